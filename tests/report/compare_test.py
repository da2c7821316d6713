"""Tests of the comparison of dense, gated and stripped models."""

import json
import os
import tempfile
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import cost
from keras_l0 import report
from keras_l0.surgery import strip_gates
from tests import test_util
from tests.export import models

DATA = np.random.default_rng(9).normal(size=(70, 6, 6, 2)).astype("float32")


def dense_image_model():
    return models.spread(
        keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                keras.layers.Conv2D(6, 3, use_bias=False),
                keras.layers.BatchNormalization(),
                keras.layers.ReLU(),
                keras.layers.Flatten(),
                keras.layers.Dense(9, activation="relu"),
                keras.layers.Dense(3),
            ]
        )
    )


class CompareTest(test_util.TestCase):
    def test_dense_gated_stripped(self):
        dense, gated = dense_image_model(), models.gated_image_model()
        small = strip_gates(gated)
        found = report.compare(
            dense, gated, small, DATA, quantize=["int8"], runs=10
        )
        rows = found.to_dict()["models"]
        self.assertEqual(
            list(rows), ["dense", "gated", "stripped", "stripped int8"]
        )
        for name, model in (
            ("dense", dense),
            ("gated", dense),
            ("stripped", small),
        ):
            self.assertEqual(rows[name]["params"], model.count_params())
            self.assertEqual(rows[name]["macs"], cost.count(model).macs)
        self.assertLess(rows["stripped"]["params"], rows["dense"]["params"])
        for name in ("dense", "stripped"):
            self.assertNotIn(None, rows[name].values())
            self.assertGreater(rows[name]["ms_1_thread"], 0)
            self.assertGreater(rows[name]["ms_2_threads"], 0)
        self.assertIsNone(rows["gated"]["litert_bytes"])
        self.assertIsNone(rows["stripped int8"]["params"])
        self.assertGreater(rows["stripped int8"]["litert_bytes"], 0)
        self.assertEqual((found.examples, found.batch), (70, 1))
        self.assertEmpty(found.notes)

    def test_differences_are_those_to_the_gated_model(self):
        gated = models.gated_image_model()
        small = strip_gates(gated)
        # A bias that is off shows in every form of the stripped model.
        small.weights[-1].assign_add([0.0, 0.25, 0.0])
        found = report.compare(None, gated, small, DATA, runs=10)
        self.assertEqual(
            list(found.differences),
            [
                "stripped model",
                "stripped .keras, reloaded",
                "stripped SavedModel, reloaded",
                "stripped .tflite",
            ],
        )
        for name, difference in found.differences.items():
            self.assertAllClose(difference, 0.25, rtol=1e-4, msg=name)
        expected = np.max(np.abs(gated(DATA, training=False)))
        self.assertAllClose(found.largest_output, expected, rtol=1e-6)

    def test_a_difference_in_the_last_row_counts(self):
        gated = models.gated_image_model()
        data = DATA.copy()
        data[-1] *= 1000.0
        found = report.compare(None, gated, None, data, runs=1)
        expected = np.max(np.abs(gated(data[-1:], training=False)))
        self.assertAllClose(found.largest_output, expected, rtol=1e-5)

    def test_strips_and_makes_up_data(self):
        found = report.compare(None, models.gated_two_input_model(), runs=10)
        self.assertEqual(
            [row.name for row in found.models], ["gated", "stripped"]
        )
        self.assertLess(max(found.differences.values()), 1e-5)
        self.assertEqual(found.examples, 32)

    def test_takes_a_dict_of_inputs(self):
        data = {"right": np.ones((5, 2)), "left": np.ones((5, 4))}
        found = report.compare(
            None, models.gated_two_input_model(True), None, data, runs=10
        )
        self.assertEqual(found.examples, 5)
        self.assertLen(found.differences, 4)

    def test_what_cannot_be_converted_is_noted(self):
        found = report.compare(None, models.recurrent_model(), runs=10)
        text = str(found)
        self.assertRegex(text, r"Note: \.tflite of stripped: Model 'recurrent'")
        self.assertIsNone(found.models[-1].litert_bytes)
        self.assertIsNotNone(found.models[-1].saved_model_bytes)

    def test_own_batch_size(self):
        found = report.compare(
            None, models.recurrent_model(2), None, np.ones((5, 5, 3)), runs=10
        )
        self.assertEqual((found.examples, found.batch), (4, 2))
        self.assertGreater(found.models[-1].ms_1_thread, 0)

    def test_leaves_no_file_and_no_change(self):
        gated = models.gated_image_model()
        before = gated.get_weights()
        folder = tempfile.mkdtemp(dir=self.create_tempdir().full_path)
        with mock.patch.object(tempfile, "tempdir", folder):
            report.compare(None, gated, x=DATA[:3], runs=10).to_json()
        self.assertEqual(os.listdir(folder), [])
        for value, expected in zip(gated.get_weights(), before, strict=True):
            self.assertAllEqual(value, expected)

    def test_without_a_gated_model(self):
        dense, small = (
            dense_image_model(),
            strip_gates(models.gated_image_model()),
        )
        found = report.compare(
            dense, None, small, DATA, quantize="float16", runs=10
        )
        self.assertEqual(
            [row.name for row in found.models],
            ["dense", "stripped", "stripped float16"],
        )
        outputs = [m(DATA, training=False).numpy() for m in (dense, small)]
        self.assertEqual(found.reference, "stripped")
        self.assertAllClose(
            found.differences.pop("dense model"),
            np.max(np.abs(outputs[0] - outputs[1])),
            rtol=1e-5,
        )
        self.assertEqual(
            list(found.differences),
            [
                "stripped .keras, reloaded",
                "stripped SavedModel, reloaded",
                "stripped .tflite",
                "stripped .tflite, float16",
            ],
        )
        self.assertLess(max(found.differences.values()), 5e-2)
        self.assertLess(found.differences["stripped .tflite"], 1e-5)
        self.assertAllClose(found.largest_output, np.max(np.abs(outputs[1])))

    def test_other_outputs_are_noted(self):
        small = strip_gates(models.gated_image_model())
        outputs = keras.layers.Dense(2)(small.outputs[0])
        found = report.compare(
            keras.Model(small.inputs, outputs), None, small, DATA, runs=10
        )
        self.assertNotIn("dense model", found.differences)
        self.assertRegex(found.notes[-1], "Outputs of .*other shapes")

    def test_json(self):
        found = report.compare(None, models.gated_two_input_model(), runs=10)
        self.assertEqual(json.loads(found.to_json()), found.to_dict())


class BadInputTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.gated = models.gated_image_model()

    def test_no_model_raises(self):
        for arguments in (
            (None, "gated"),
            ("dense", self.gated),
            (None, self.gated, "small"),
        ):
            with self.assertRaisesRegex(TypeError, "must be a `keras.Model`"):
                report.compare(*arguments)

    def test_other_inputs_raise(self):
        other = models.embedding_model()
        for arguments, name in (
            ((other, self.gated), "model"),
            ((None, self.gated, other), "small"),
        ):
            with self.assertRaisesRegex(
                ValueError,
                rf"`{name}` must take the same.*6, 6, 2.*\(None, 5\)",
            ):
                report.compare(*arguments)

    def test_without_a_gated_model_both_others_are_needed(self):
        small = strip_gates(self.gated)
        for model, other in ((None, None), (small, None), (None, small)):
            with self.assertRaisesRegex(
                ValueError, "`gated` may be None only where.*=None"
            ):
                report.compare(model, None, other)

    def test_dense_with_gates_raises(self):
        with self.assertRaisesRegex(ValueError, "`model` must be dense"):
            report.compare(self.gated, None, strip_gates(self.gated))

    def test_other_inputs_without_a_gated_model_raise(self):
        with self.assertRaisesRegex(
            ValueError, "`model` must take the same inputs as `small`"
        ):
            report.compare(
                models.embedding_model(), None, strip_gates(self.gated)
            )

    def test_small_with_gates_raises(self):
        with self.assertRaisesRegex(ValueError, "`small` must be stripped"):
            report.compare(None, self.gated, self.gated)

    @parameterized.parameters("int4", None)
    def test_unknown_quantization_raises(self, name):
        with self.assertRaisesRegex(ValueError, "Unknown `quantize`"):
            report.compare(None, self.gated, None, DATA, quantize=[name])

    def test_int8_without_data_raises(self):
        with self.assertRaisesRegex(ValueError, "`x` is needed"):
            report.compare(None, self.gated, quantize="int8")

    def test_wrong_data_raises(self):
        for data, words in (
            (DATA[..., 0], r"`x` must have the shape \(n, 6, 6, 2\)"),
            (DATA[:0], "`x` must hold at least 1 example"),
        ):
            with self.assertRaisesRegex(ValueError, words):
                report.compare(None, self.gated, None, data)

    @parameterized.parameters(
        (0, ValueError), (-1, ValueError), ("a", TypeError), (1.5, TypeError)
    )
    def test_wrong_runs_raise(self, runs, error):
        with self.assertRaisesRegex(error, "`runs` must be"):
            report.compare(None, self.gated, runs=runs)


if __name__ == "__main__":
    absltest.main()
