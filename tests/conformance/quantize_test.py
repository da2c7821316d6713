"""Tests of Keras' own int8: after a strip, and on a model with gates."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import properties

ROWS = descriptors.ROWS + descriptors.MODELS
PROPERTY = properties.Property(
    "quantize",
    ROWS,
    {
        "budget": "is over before a model is stripped",
        "gated_optimizer": "is over before a model is stripped",
        "CALLBACKS": properties.WATCHES,
        "DISTRIBUTIONS": properties.NOT_TRAINED,
    },
)
X = descriptors.inputs()
OPEN = (0.9, -1000.0, 0.6, 0.75)


def largest_error(model, x):
    """How far int8 may move the outputs of a chain of dense layers.

    A weight is off by at most 1/254 of the largest of its unit, an input by
    at most 1/254 of the largest of its example: half a step of 127 steps.
    """
    error = np.zeros_like(x)
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Dense):
            continue
        kernel = np.array(layer.kernel)
        largest_x = np.abs(x).max(1, keepdims=True) + error.max(1)[:, None]
        largest_w = np.abs(kernel).max(0)
        # (x + a)(w + b) - x w, with |a| <= X / 254 and |b| <= W / 254.
        step = len(kernel) * largest_x * largest_w * (2 / 254 + 1 / 254**2)
        # Activations of the rows have slopes of at most 1.
        error = error @ np.abs(kernel) + step
        x = np.array(layer(x))
    # float32 rounds beside it.
    return error * 1.001 + 1e-6


class QuantizeTest(test_util.TestCase):
    @parameterized.named_parameters(*descriptors.named(ROWS))
    def test_stripped_model_moves_by_the_step_of_int8(self, row):
        model = row.model()
        descriptors.set_logits(model, OPEN)
        stripped = keras_l0.strip_gates(model)
        before = np.array(stripped(X, training=False))
        allowed = largest_error(stripped, X)
        stripped.quantize("int8")
        moved = np.abs(np.array(stripped(X, training=False)) - before)
        self.assertTrue(np.all(moved <= allowed), (moved, allowed))
        self.assertGreater(moved.max(), 0)
        # The bound says something.
        self.assertLess(allowed.max(), 0.6 * np.abs(before).max())

    @parameterized.named_parameters(*descriptors.named(ROWS))
    def test_gated_model_is_right_or_refused(self, row):
        model = row.model()
        descriptors.set_logits(model, OPEN)
        before = np.array(model(X, training=False))
        model.quantize("int8")
        if row.name == "l0_gate_weights":
            with self.assertRaisesRegex(ValueError, "are quantized"):
                model(X, training=False)
            return
        # Four layers, each off by a hundredth.
        after = np.array(model(X, training=False))
        self.assertNotAllEqual(after, before)
        self.assertAllClose(
            after, before, rtol=0, atol=0.04 * np.abs(before).max()
        )

    def test_gates_of_heads_refuse_quantized_kernels(self):
        x, values = keras.Input((5, 4)), keras.Input((5, 4))
        attention = keras.layers.MultiHeadAttention(2, 3)
        gated = keras_l0.L0Gate(attention, on="heads")
        model = keras.Model([x, values], gated(x, value=values))
        ones = np.ones((2, 5, 4), "float32")
        model([ones, ones])
        model.quantize("int8")
        with self.assertRaisesRegex(ValueError, "are quantized"):
            model([ones, ones])


if __name__ == "__main__":
    absltest.main()
