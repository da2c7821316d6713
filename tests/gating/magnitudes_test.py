"""Tests of the magnitudes of units."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.gating.magnitudes import unit_magnitudes
from tests import test_util

# Layer, shape of its input, units, and the einsum that sums the squares of
# each unit, weight by weight ("" leaves one out).
CASES = (
    ("dense", layers.Dense(3), (4,), 3, ["iu->u"]),
    ("conv", layers.Conv2D(3, 2), (5, 5, 2), 3, ["abiu->u"]),
    ("transposed", layers.Conv1DTranspose(2, 3), (5, 4), 2, ["aui->u"]),
    ("separable", layers.SeparableConv1D(5, 2), (6, 4), 5, ["", "abu->u"]),
    ("einsum", layers.EinsumDense("ab,bcd->acd", (2, 3)), (4,), 3, ["bcu->u"]),
    ("embedding", layers.Embedding(7, 3), (4,), 3, ["nu->u"]),
)
TURNED = layers.EinsumDense("ab,cb->ac", 2)


def built(layer, shape):
    layer = type(layer).from_config(layer.get_config())
    layer.build((None, *shape))
    return layer


class MagnitudesTest(test_util.TestCase):
    @parameterized.named_parameters(*CASES)
    def test_are_the_norms_of_kernels(self, layer, shape, units, sums):
        layer = built(layer, shape)
        kernels = [w.numpy() for w in layer.weights if len(w.shape) > 1]
        squares = sum(
            np.einsum(letters, kernel**2)
            for letters, kernel in zip(sums, kernels, strict=True)
            if letters
        )
        self.assertAllClose(unit_magnitudes(layer, units), squares**0.5)

    @parameterized.parameters(
        (layers.SimpleRNN, 1), (layers.GRU, 3), (layers.LSTM, 4)
    )
    def test_recurrent_units_have_a_column_per_gate(self, cls, blocks):
        layer = built(cls(5), (4, 2))
        squares = np.zeros(5)
        for kernel in (layer.cell.kernel, layer.cell.recurrent_kernel):
            for block in range(blocks):
                for unit in range(5):
                    column = kernel.numpy()[:, block * 5 + unit]
                    squares[unit] += np.sum(column**2)
        self.assertAllClose(unit_magnitudes(layer, 5), squares**0.5)

    @parameterized.parameters("concat", "sum")
    def test_both_ways(self, merge_mode):
        wrapper = layers.Bidirectional(layers.GRU(3), merge_mode)
        wrapper.build((None, 4, 2))
        ways = [
            unit_magnitudes(way, 3)
            for way in (wrapper.forward_layer, wrapper.backward_layer)
        ]
        joined = merge_mode == "concat"
        expected = [*ways[0], *ways[1]] if joined else np.hypot(*ways)
        found = unit_magnitudes(wrapper, 6 if joined else 3)
        self.assertAllClose(found, expected)

    @parameterized.parameters(
        layers.MultiHeadAttention(4, 3), layers.GroupQueryAttention(3, 4, 2)
    )
    def test_heads_are_measured_by_what_they_write(self, layer):
        layer.build((None, 5, 8), (None, 5, 8))
        (kernel,) = [w for w in layer.weights if w.shape == (4, 3, 8)]
        expected = [np.linalg.norm(kernel.numpy()[head]) for head in range(4)]
        self.assertAllClose(unit_magnitudes(layer, 4), expected)

    def test_none_where_units_are_not_the_last_axis(self):
        self.assertIsNone(unit_magnitudes(built(TURNED, (4,)), 2))
        self.assertIsNone(unit_magnitudes(keras.layers.ReLU(), 4))


if __name__ == "__main__":
    absltest.main()
