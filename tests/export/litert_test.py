"""Tests of the LiteRT export."""

import errno
import os
import pathlib
import tempfile
import warnings
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import export
from keras_l0.export import converter
from keras_l0.export import litert
from tests import test_util
from tests.export import models

DATA = np.random.default_rng(7).normal(size=(40, 6, 6, 2)).astype("float32")


def run(path, data):
    """What TensorFlow itself makes of a file with one input and output."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_path=path)
    (entry,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(entry["index"], data.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], data)
    interpreter.invoke()
    (entry,) = interpreter.get_output_details()
    return interpreter.get_tensor(entry["index"])


class LitertTestCase(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(dir=self.create_tempdir().full_path)
        self.path = os.path.join(self.folder, "model.tflite")

    def names(self):
        return sorted(os.listdir(self.folder))


class ExportLitertTest(LitertTestCase):
    # Largest difference as a fraction of the output's scale: float32 rounding;
    # 2^-11 for each float16 weight; a step of int8 is 1/128 of the range.
    @parameterized.parameters(
        (None, "LiteRT float32", 1e-5),
        ("float16", "LiteRT float16", 5e-3),
        ("dynamic_range", "LiteRT dynamic_range", 5e-2),
        ("int8", "LiteRT int8", 1e-1),
    )
    def test_computes_what_the_gated_model_computes(
        self, quantize, written, tolerance
    ):
        model = models.gated_image_model()
        calibration = DATA if quantize == "int8" else None
        result = export.export_litert(model, self.path, quantize, calibration)
        expected = model(DATA, training=False).numpy()
        scale = np.max(np.abs(expected))
        self.assertGreater(scale, 0.5)
        for rows in (1, 3, 40):
            difference = run(self.path, DATA[:rows]) - expected[:rows]
            self.assertLess(np.max(np.abs(difference)), tolerance * scale)
        self.assertEqual(result.path, self.path)
        self.assertEqual(result.format, written)
        self.assertEqual(result.bytes, os.path.getsize(self.path))
        self.assertEqual(self.names(), ["model.tflite"])

    def test_closed_units_are_gone(self):
        model = models.gated_image_model()
        result = export.export_litert(model, self.path)
        # 864 weights of the first dense layer become 64 * 6: 1.9 kB less.
        self.assertLess(result.bytes, len(converter.convert(model)) - 1500)

    def test_difference_of_int8_is_that_on_the_calibration_data(self):
        model = models.gated_image_model()
        result = export.export_litert(
            model, self.path, "int8", calibration_data=DATA
        )
        expected = model(DATA[:32], training=False).numpy()
        difference = np.max(np.abs(run(self.path, DATA[:32]) - expected))
        self.assertGreater(difference, 1e-4)
        self.assertAllClose(result.max_difference, difference, rtol=1e-3)
        self.assertAllClose(result.max_reference, np.max(np.abs(expected)))

    def test_probe_comes_before_calibration_data(self):
        model = models.gated_image_model()
        result = export.export_litert(
            model, self.path, "int8", DATA, probe=np.zeros((1, 6, 6, 2))
        )
        expected = model(np.zeros((1, 6, 6, 2), "float32"), training=False)
        self.assertAllClose(result.max_reference, np.max(np.abs(expected)))

    @parameterized.parameters(False, True)
    def test_two_inputs(self, as_dict):
        model = models.gated_two_input_model(as_dict)
        result = export.export_litert(model, self.path)
        self.assertLess(result.max_difference, 1e-5)
        generator = np.random.default_rng(0)
        data = {
            "right": generator.normal(size=(30, 2)),
            "left": generator.normal(size=(30, 4)),
        }
        by_name = export.export_litert(model, self.path, "int8", data)
        by_order = export.export_litert(
            model, self.path, "int8", [data["left"], data["right"]]
        )
        self.assertEqual(by_name, by_order)
        self.assertLess(by_name.max_difference, 0.1 * by_name.max_reference)

    @parameterized.parameters("int32", "float32")
    def test_embedding(self, dtype):
        model = models.embedding_model(dtype)
        result = export.export_litert(model, self.path)
        self.assertLess(result.max_difference, 1e-6)
        data = np.random.default_rng(0).integers(0, 7, (20, 5))
        result = export.export_litert(model, self.path, "int8", data)
        self.assertLess(result.max_difference, 0.1 * result.max_reference)

    def test_open_image_size(self):
        model = models.spread(
            keras.Sequential(
                [
                    keras.Input((None, None, 3)),
                    keras.layers.Conv2D(4, 3, activation="relu"),
                    keras.layers.GlobalAveragePooling2D(),
                ]
            )
        )
        result = export.export_litert(model, self.path)
        self.assertLess(result.max_difference, 1e-5)

    @parameterized.parameters("mixed_float16", "mixed_bfloat16", "float64")
    def test_other_precisions(self, dtype):
        result = export.export_litert(models.mixed_model(dtype), self.path)
        self.assertGreater(result.max_reference, 0.3)

    def test_tolerance_follows_the_coarsest_type(self):
        plain = models.embedding_model()
        half = models.mixed_model("mixed_float16")
        double = models.mixed_model("float64")
        for model, quantize, expected in (
            (plain, None, 1e-4),
            (plain, "float16", 5e-2),
            (half, None, 5e-2),
            (double, None, 1e-4),
            (plain, "int8", None),
            (plain, "dynamic_range", None),
        ):
            self.assertEqual(litert.tolerance(model, quantize), expected)


class BadInputTest(LitertTestCase):
    def export(self, *args, **kwargs):
        return export.export_litert(
            models.gated_image_model(), self.path, *args, **kwargs
        )

    def test_unknown_quantization_raises(self):
        with self.assertRaisesRegex(
            ValueError, "Unknown `quantize`.*'int8'.*Received: quantize='int4'"
        ):
            self.export("int4")
        self.assertEqual(self.names(), [])

    def test_missing_calibration_data_raises(self):
        with self.assertRaisesRegex(
            ValueError, "`calibration_data` is needed for `quantize='int8'`"
        ):
            self.export("int8")
        self.assertEqual(self.names(), [])

    @parameterized.parameters(None, "float16", "dynamic_range")
    def test_calibration_data_of_no_use_raises(self, quantize):
        with self.assertRaisesRegex(ValueError, "of use for `quantize='int8'`"):
            self.export(quantize, DATA)
        self.assertEqual(self.names(), [])

    @parameterized.named_parameters(
        ("shape", DATA[..., 0], r"\(n, 6, 6, 2\).*\(40, 6, 6\)"),
        ("empty", DATA[:0], "at least 1 example.*Received: 0"),
        ("nan", DATA * np.nan, "finite"),
    )
    def test_wrong_calibration_data_raises(self, data, words):
        with self.assertRaisesRegex(
            ValueError, f"`calibration_data` .*{words}"
        ):
            self.export("int8", data)
        self.assertEqual(self.names(), [])

    def test_model_without_graph_raises(self):
        with self.assertRaisesRegex(ValueError, "is not built"):
            export.export_litert(keras.Sequential(), self.path)
        with self.assertRaisesRegex(TypeError, "must be a `keras.Model`"):
            export.export_litert(None, self.path)
        self.assertEqual(self.names(), [])

    def test_recurrent_layer_raises_and_leaves_nothing(self):
        with self.assertRaisesRegex(RuntimeError, "`unroll=True`"):
            export.export_litert(models.recurrent_model(), self.path)
        self.assertEqual(self.names(), [])

    @parameterized.parameters(
        ("none/model.tflite", FileNotFoundError, "does not exist"),
        ("", IsADirectoryError, "is a folder"),
    )
    def test_bad_path_raises_before_the_work(self, path, error, words):
        self.path = os.path.join(self.folder, path)
        with mock.patch.object(converter, "convert") as convert:
            with self.assertRaisesRegex(error, f"`filepath` .*{words}"):
                self.export()
        convert.assert_not_called()
        self.assertEqual(self.names(), [])

    def test_full_disk_keeps_the_old_file(self):
        pathlib.Path(self.path).write_text("old")
        full = OSError(errno.ENOSPC, "No space left on device")
        with mock.patch.object(converter, "convert", side_effect=full):
            with self.assertRaisesRegex(OSError, "No space left"):
                self.export()
        self.assertEqual(self.names(), ["model.tflite"])
        self.assertEqual(pathlib.Path(self.path).read_text(), "old")

    def test_wrong_result_raises_and_keeps_the_old_file(self):
        pathlib.Path(self.path).write_text("old")
        convert = converter.convert

        def convert_another(model, quantize, calibration):
            # Of the size of one unit's bias: what a lost constant would be.
            model.weights[-1].assign_add([0.1, 0.0, 0.0])
            return convert(model, quantize, calibration)

        with mock.patch.object(converter, "convert", convert_another):
            with self.assertRaisesRegex(
                RuntimeError, "LiteRT float32 does not.*differ by up to 1.0e-01"
            ):
                self.export()
        self.assertEqual(self.names(), ["model.tflite"])
        self.assertEqual(pathlib.Path(self.path).read_text(), "old")


if __name__ == "__main__":
    absltest.main()
