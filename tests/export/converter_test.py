"""Tests of the conversion to LiteRT."""

import contextlib
import io
import warnings

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.export import converter
from keras_l0.export import runners
from keras_l0.export import stock
from tests import test_util
from tests.export import models

DATA = np.random.default_rng(5).normal(size=(40, 6, 6, 2)).astype("float32")


def operations(content):
    """Names of the operations of a flatbuffer."""
    interpreter = runners.interpreter(content)
    return {entry["op_name"] for entry in interpreter._get_ops_details()}


def types(content):
    """Types of the inputs, of the outputs, and of all tensors."""
    interpreter = runners.interpreter(content)
    return [
        {entry["dtype"] for entry in entries}
        for entries in (
            interpreter.get_input_details(),
            interpreter.get_output_details(),
            interpreter.get_tensor_details(),
        )
    ]


class ConverterTest(test_util.TestCase):
    def test_writes_no_word(self):
        model = stock.stock_model(models.gated_image_model())
        printed = io.StringIO()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with contextlib.redirect_stdout(printed):
                converter.convert(model, "int8", [DATA])
        self.assertEqual(printed.getvalue(), "")
        self.assertEmpty(
            [str(w.message) for w in caught if "lite" in w.filename]
        )

    def test_int8_computes_in_integers_between_floats(self):
        model = stock.stock_model(models.gated_image_model())
        content = converter.convert(model, "int8", [DATA])
        inputs, outputs, tensors = types(content)
        self.assertEqual((inputs, outputs), ({np.float32}, {np.float32}))
        # Floats are the model's input and output, and nothing between them.
        interpreter = runners.interpreter(content)
        floats = [
            entry
            for entry in interpreter.get_tensor_details()
            if entry["dtype"] == np.float32
        ]
        self.assertLen(floats, 2)
        self.assertIn(np.int8, tensors)
        self.assertContainsSubset(
            {"QUANTIZE", "DEQUANTIZE"}, operations(content)
        )

    @parameterized.parameters(("float16", 2), ("dynamic_range", 4))
    def test_weights_shrink(self, quantize, factor):
        model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(512)])
        plain = converter.convert(model)
        small = converter.convert(model, quantize)
        saved = len(plain) - len(small)
        expected = 4 * 64 * 512 * (1 - 1 / factor)
        # Each unit has a scale and a zero point (12 bytes); names and structure
        # take some hundred bytes more or less.
        self.assertBetween(saved, expected - 12 * 512 - 1000, expected + 2500)
        inputs, outputs, _ = types(small)
        self.assertEqual((inputs, outputs), ({np.float32}, {np.float32}))

    @parameterized.parameters("mixed_float16", "mixed_bfloat16", "float64")
    def test_other_precisions_are_written_in_float32(self, dtype):
        content = converter.convert(models.mixed_model(dtype))
        _, _, tensors = types(content)
        self.assertNoCommonElements(
            tensors, {np.float16, np.float64, np.uint16}
        )
        self.assertIn(np.float32, tensors)

    def test_odd_input_names(self):
        tensors = [keras.Input((2,), name=name) for name in ("a b", "1.z")]
        model = keras.Model(tensors, keras.layers.Subtract()(tensors))
        run = runners.litert_runner(converter.convert(model), model)
        (output,) = run([np.full((1, 2), 5.0, "float32"), np.ones((1, 2), "f")])
        self.assertAllEqual(output, [[4.0, 4.0]])

    def test_recurrent_layer_names_the_ways_out(self):
        with self.assertRaisesRegex(
            RuntimeError, r"'recurrent' cannot.*batch_shape=\(1.*`unroll=True`"
        ):
            converter.convert(models.recurrent_model())

    @parameterized.parameters(
        ({"batch_size": 1}, None),
        ({"unroll": True}, None),
        ({"unroll": True}, "int8"),
        ({"batch_size": 1}, "dynamic_range"),
    )
    def test_ways_out_for_recurrent_layers(self, options, quantize):
        model = models.recurrent_model(**options)
        data = np.random.default_rng(6).normal(size=(30, 5, 3)).astype("f")
        run = runners.litert_runner(
            converter.convert(model, quantize, [data]), model
        )
        (output,) = run([data[:1]])
        # int8 has 256 steps over the range of each tensor.
        self.assertAllClose(
            output, model(data[:1]), atol=5e-2 if quantize == "int8" else 1e-5
        )

    @parameterized.parameters(None, 1)
    def test_loop_is_refused_for_int8(self, batch_size):
        # LiteRT's calibration of a loop ends the whole process.
        model = models.recurrent_model(batch_size)
        data = np.ones((3, 5, 3), "float32")
        with self.assertRaisesRegex(
            RuntimeError, "'recurrent' holds a loop.*`unroll=True`.*dynamic_ran"
        ):
            converter.convert(model, "int8", [data])

    def test_operation_without_builtin_is_named(self):
        inputs = keras.Input((4,))
        model = keras.Model(inputs, keras.ops.erfinv(inputs), name="odd")
        with self.assertRaisesRegex(
            RuntimeError, "'odd' cannot.*no builtin operation for Erfinv"
        ):
            converter.convert(model)


if __name__ == "__main__":
    absltest.main()
