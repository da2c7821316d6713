"""Tests of the rules of matrix products and stacks."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from tests.surgery.rules.operation_test_case import GATES
from tests.surgery.rules.operation_test_case import OperationTestCase


class ProductsTest(OperationTestCase):
    """Matrix products, as attention by hand has them."""

    def dense(self, x, gates=GATES, **kwargs):
        return self.gate(layers.Dense(len(gates), **kwargs), list(gates))(x)

    def attention(self, x, heads, gated):
        """Attention by hand; `gated` are the gates of q, k and v."""
        parts = []
        for gates in gated:
            t = self.dense(x, gates)
            t = layers.Reshape((4, heads, len(gates) // heads))(t)
            parts.append(ops.transpose(t, (0, 2, 1, 3)))
        q, k, v = parts
        scores = ops.softmax(q @ ops.transpose(k, (0, 1, 3, 2)) / 2.0)
        y = ops.transpose(scores @ v, (0, 2, 1, 3))
        return layers.Reshape((4, len(gated[2])))(y)

    @parameterized.parameters(
        ((1,) * 6, (1,) * 6, GATES),
        (GATES, (1,) * 6, (1,) * 6),
        ((1, 0, 1) * 2, (0, 0.5, 1) * 2, (0, 1, 1, 0, 0, 0.5)),
    )
    def test_attention_by_hand(self, *gated):
        x = keras.Input((4, 5))
        y = self.attention(x, 2, gated)
        self.strip(self.finish(x, layers.Dense(3)(y)))

    def test_closed_heads_of_attention_by_hand(self):
        x = keras.Input((4, 5))
        parts = []
        for _ in range(3):
            t = layers.Reshape((4, 3, 2))(layers.Dense(6)(x))
            parts.append(ops.transpose(t, (0, 2, 1, 3)))
        q, k, v = parts
        y = ops.softmax(q @ ops.transpose(k, (0, 1, 3, 2))) @ v
        y = self.gate(layers.Identity(), [0, 1, 0.5], axis=1)(y)
        y = layers.Reshape((4, 6))(ops.transpose(y, (0, 2, 1, 3)))
        self.strip(self.finish(x, layers.Dense(3)(y)))

    def test_sums_leave_closed_terms_out(self):
        x, z = keras.Input((4, 5)), keras.Input((3, 5))
        left = self.dense(x)
        right = ops.transpose(layers.Dense(6)(z), (0, 2, 1))
        model = self.finish([x, z], left @ right)
        small, report = self.strip(model)
        self.assertEmpty(report.barriers)
        widths = [la.units for la in small.layers if la.weights]
        self.assertEqual(widths, [3, 3])

    def test_columns_and_rows(self):
        x, z = keras.Input((4, 4)), keras.Input((4, 5))
        y = ops.matmul(x, self.dense(z, activation="relu"))
        small, report = self.strip(self.finish([x, z], layers.Dense(2)(y)))
        self.assertEmpty(report.barriers)
        widths = [la.units for la in small.layers if la.weights]
        self.assertEqual(widths, [3, 2])
        rows = ops.transpose(self.dense(z), (0, 2, 1)) @ x
        rows = layers.Dense(2)(ops.transpose(rows, (0, 2, 1)))
        small, report = self.strip(self.finish([x, z], rows))
        self.assertEmpty(report.barriers)
        widths = [la.units for la in small.layers if la.weights]
        self.assertEqual(widths, [3, 2])

    def test_heads_of_their_own(self):
        x = keras.Input((4, 5))
        heads = [self.dense(x, GATES[:3]) for _ in range(3)]
        y = ops.stack(heads, axis=1)
        y = self.gate(layers.Identity(), [0, 1, 0.5], axis=1)(y)
        y = ops.softmax(y @ ops.transpose(y, (0, 1, 3, 2))) @ y
        self.strip(self.finish(x, layers.Dense(2)(ops.mean(y, axis=1))))

    @parameterized.parameters(1, 2, 3, -1)
    def test_stack(self, axis):
        x = keras.Input((4, 5))
        y = ops.stack([self.dense(x), self.dense(x)], axis=axis)
        y = ops.sigmoid(y)
        if axis in (3, -1):
            y = ops.swapaxes(y, 2, 3)
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEmpty(report.barriers)
        self.assertEqual(
            [la.units for la in small.layers if la.weights], [3, 3, 2]
        )

    def test_what_is_a_barrier(self):
        x = keras.Input((4, 5))
        for function in (
            lambda y: ops.matmul(y, np.ones((6, 2))),
            lambda y: ops.stack([y, y], 0)[0],
        ):
            y = function(self.dense(x))
            _, report = self.strip(self.finish(x, layers.Dense(2)(y)))
            self.assertNotEmpty(report.barriers)


if __name__ == "__main__":
    absltest.main()
