"""Tests of `keras-l0 export`."""

import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

import keras_l0
from tests.cli import command_case
from tests.export import models


class ExportTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.gated = self.save_gated()
        self.images = self.save_images()

    def litert_outputs(self, path):
        run = tf.lite.Interpreter(path).get_signature_runner()
        (name,) = run.get_input_details()
        (output,) = run(**{name: self.images}).values()
        return output

    def test_litert(self):
        found = self.document("export", "gated.keras", "model.tflite")
        self.assertEqual(found["format"], "LiteRT float32")
        self.assertEqual(found["bytes"], os.path.getsize("model.tflite"))
        self.assertLess(found["max_difference"], 1e-5)
        self.assertAllClose(
            self.litert_outputs("model.tflite"),
            self.gated(self.images, training=False),
            atol=1e-5,
        )

    def test_quantizations(self):
        formats = {}
        for quantize in ("float16", "dynamic_range", "int8"):
            flags = [f"--quantize={quantize}", "--format=litert"]
            if quantize == "int8":
                flags.append("--calibration=images.npy")
            found = self.document("export", "gated.keras", quantize, *flags)
            formats[quantize] = found["format"]
            self.assertTrue(os.path.isfile(quantize))
        self.assertEqual(formats, {name: f"LiteRT {name}" for name in formats})

    def test_saved_model(self):
        text = self.answer("export", "gated.keras", "serving")
        self.assertRegex(text, "^serving: SavedModel, .* outputs differ")
        loaded = tf.saved_model.load("serving")
        self.assertAllClose(
            loaded.serve(self.images),
            self.gated(self.images, training=False),
            atol=1e-5,
        )

    def test_saved_model_to_litert(self):
        self.answer("export", "gated.keras", "serving")
        for flags in (
            (),
            ("--quantize=float16",),
            ("--quantize=int8", "--calibration=images.npy"),
        ):
            found = self.document(
                "export", "serving", "model.tflite", "--overwrite", *flags
            )
            self.assertLess(found["max_difference"], 0.1)
        self.answer("export", "serving", "model.tflite", "--overwrite")
        self.assertAllClose(
            self.litert_outputs("model.tflite"),
            self.gated(self.images, training=False),
            atol=1e-5,
        )

    def test_existing_file_is_kept(self):
        with open("model.tflite", "w") as file:
            file.write("precious")
        self.assert_refuses(
            1, "OUT exists", "export", "gated.keras", "model.tflite"
        )

    def test_a_failure_leaves_the_old_file(self):
        models.recurrent_model().save("recurrent.keras")
        with open("model.tflite", "w") as file:
            file.write("precious")
        self.assert_refuses(
            1,
            "Model 'recurrent' cannot be converted",
            *("export", "recurrent.keras", "model.tflite", "--overwrite"),
        )


class BadInputTest(command_case.CommandCase):
    def test_usage(self):
        for words, *argv in (
            ("`--format` is needed where", "out.bin"),
            ("`--quantize` is for `--format=litert`", "o", "--quantize=int8"),
            ("needs `--calibration=FILE`", "o.tflite", "--quantize=int8"),
            ("only. Received: x.npy", "o.tflite", "--calibration=x.npy"),
            (
                "only. Received: x.npy",
                "o.tflite",
                "--calibration=x.npy",
                "--quantize=float16",
            ),
        ):
            # Nothing is loaded to find this out.
            self.assert_refuses(2, words, "export", "none.keras", *argv)

    def test_calibration_of_another_shape(self):
        self.save_gated()
        np.save("flat.npy", np.zeros((100, 72)))
        flags = ("--quantize=int8", "--calibration=flat.npy")
        words = r"`--calibration` must have the shape \(n, 6, 6, 2\)"
        self.assert_refuses(
            1, words, "export", "gated.keras", "o.tflite", *flags
        )
        keras_l0.export_saved_model(models.gated_image_model(), "saved")
        self.assert_refuses(1, words, "export", "saved", "o.tflite", *flags)

    def test_saved_model_of_a_saved_model(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        self.assert_refuses(
            1, "MODEL is a SavedModel already", "export", "saved", "other"
        )

    def test_lambda(self):
        model = keras.Sequential([keras.Input((2,))])
        model.add(keras.layers.Lambda(lambda x: x))
        model.save("lambda.keras")
        self.assert_refuses(
            1, "holds a Python lambda", "export", "lambda.keras", "o.tflite"
        )


if __name__ == "__main__":
    absltest.main()
