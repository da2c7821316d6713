"""Tests of the reading, running and converting of a SavedModel."""

import os

import numpy as np
import tensorflow as tf
from absl.testing import absltest

import keras_l0
from keras_l0.cli import saved_model
from keras_l0.cli.command import TaskError
from tests.cli import command_case
from tests.export import models


class SavedModelTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.model = models.gated_two_input_model()
        keras_l0.export_saved_model(self.model, "saved")
        self.info = saved_model.read_info("MODEL", "saved")
        self.data = [np.ones((5, 4), "float32"), np.ones((5, 2), "float32")]

    def test_info(self):
        self.assertEqual(
            [(t.name, t.shape, t.dtype) for t in self.info.inputs],
            [("left", (None, 4), "float32"), ("right", (None, 2), "float32")],
        )
        self.assertEqual(
            [(t.name, t.shape) for t in self.info.outputs],
            [("output_0", (None, 3)), ("output_1", (None, 1))],
        )
        self.assertEqual(
            self.info.params, keras_l0.strip_gates(self.model).count_params()
        )
        self.assertContainsSubset(["serving_default"], self.info.signatures)

    def test_outputs_are_ordered_by_number(self):
        module = tf.Module()
        module.serve = tf.function(
            lambda x: {f"output_{i}": x + float(i) for i in range(11)},
            input_signature=[tf.TensorSpec((None, 1), tf.float32, "x")],
        )
        tf.saved_model.save(module, "many", signatures=module.serve)
        info = saved_model.read_info("MODEL", "many")
        self.assertEqual(
            [t.name for t in info.outputs], [f"output_{i}" for i in range(11)]
        )

    def test_runs(self):
        found = saved_model.run_saved_model("saved", self.info)(self.data)
        expected = self.model(self.data, training=False)
        for output, reference in zip(found, expected, strict=True):
            self.assertAllClose(output, reference, atol=1e-5)

    def test_stand_in_has_the_inputs(self):
        model = saved_model.stand_in(self.info)
        self.assertEqual(
            [(t.name, t.shape) for t in model.inputs],
            [("left", (None, 4)), ("right", (None, 2))],
        )

    def test_converts(self):
        for quantize in (None, "float16", "dynamic_range", "int8"):
            content = saved_model.convert(
                "saved", self.info, quantize, self.data
            )
            run = tf.lite.Interpreter(
                model_content=content
            ).get_signature_runner()
            outputs = run(left=self.data[0][:1], right=self.data[1][:1])
            expected = self.model([x[:1] for x in self.data], training=False)
            self.assertAllClose(outputs["output_0"], expected[0], atol=0.1)

    def test_what_cannot_be_converted_raises(self):
        model = models.recurrent_model()
        keras_l0.export_saved_model(model, "recurrent")
        info = saved_model.read_info("MODEL", "recurrent")
        with self.assertRaisesRegex(RuntimeError, "recurrent cannot.*unroll"):
            saved_model.convert("recurrent", info)
        # Asked to calibrate a loop, LiteRT may end the process.
        data = [np.ones((2, *model.input_shape[1:]), "float32")]
        with self.assertRaisesRegex(RuntimeError, "recurrent holds a loop"):
            saved_model.convert("recurrent", info, "int8", data)


class BadInputTest(command_case.CommandCase):
    def test_what_is_no_saved_model_raises(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        with open("saved/saved_model.pb", "rb") as file:
            content = file.read()
        for bad in (b"", b"text", content[: len(content) // 2]):
            with open("saved/saved_model.pb", "wb") as file:
                file.write(bad)
            with self.assertRaisesRegex(TaskError, "MODEL is not a SavedModel"):
                saved_model.read_info("MODEL", "saved")

    def test_damaged_variables_raise(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        with open("saved/variables/variables.index", "wb") as file:
            file.write(b"text")
        with self.assertRaisesRegex(TaskError, "MODEL is not a SavedModel"):
            saved_model.read_info("MODEL", "saved")

    def test_no_signature_raises(self):
        module = tf.Module()
        module.v = tf.Variable(1.0)
        tf.saved_model.save(module, "bare")
        with self.assertRaisesRegex(TaskError, "no signature 'serving_defau"):
            saved_model.read_info("MODEL", "bare")
        self.assertTrue(os.path.isdir("bare"))


if __name__ == "__main__":
    absltest.main()
