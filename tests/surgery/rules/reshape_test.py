"""Tests of the rule of reshapes."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.rules import reshape
from tests.surgery.rules.operation_test_case import GATES
from tests.surgery.rules.operation_test_case import OperationTestCase


class ReshapeTest(OperationTestCase):
    @parameterized.named_parameters(
        ("reshape", lambda y: ops.reshape(y, (-1, 24))),
        (
            "reshape_twice",
            lambda y: ops.reshape(ops.reshape(y, (-1, 2, 2, 6)), (-1, 4, 6)),
        ),
        ("reshape_heads", lambda y: ops.reshape(y, (-1, 4, 3, 2))),
    )
    def test_operation(self, function):
        self.strips(function)

    @parameterized.named_parameters(
        ("rows_into_units", lambda y: ops.reshape(y, (-1, 3, 8))),
    )
    def test_what_is_not_followed_is_still_right(self, function):
        self.strips_somehow(function)

    @parameterized.named_parameters(
        ("batch", lambda y: ops.reshape(y, (-1, 6)), Barrier.RESHAPED),
    )
    def test_barrier(self, function, reason):
        self.strips(function, barriers=[reason])

    def test_shuffle_of_channel_groups(self):
        x = keras.Input((4, 4, 3))
        y = self.gate(layers.Conv2D(6, 3, activation="relu"), GATES)(x)
        y = layers.Reshape((2, 2, 2, 3))(y)
        y = layers.Reshape((2, 2, 6))(layers.Permute((1, 2, 4, 3))(y))
        self.strip(self.finish(x, layers.Conv2D(2, 2)(y)))

    def test_dense_into_image(self):
        x = keras.Input((5,))
        gates = [1, 0, 0.5] * 4 + [1, 0, 0] * 4  # channel 1 is closed
        y = layers.Reshape((2, 4, 3))(self.gated(x, gates=gates))
        small, _ = self.strip(self.finish(x, layers.Conv2D(2, 2)(y)))
        # Channels 0 and 2 of all positions, less the zeros in the second.
        self.assertEqual(self.first_dense(small), 12)

    @parameterized.parameters(
        ((None, 6), (2, 3)), ((4, None, 6), (4, -1, 6)), ((None, 4), (-1, 2, 2))
    )
    def test_reshape_of_unknown_size(self, shape, target):
        x = keras.Input(shape)
        y = self.gated(x)
        y = layers.Reshape(target if shape[0] else (-1, 2, 3))(y)
        model = self.finish(x, layers.Dense(2)(y))
        data = self.rng.normal(size=(2, *(s or 3 for s in shape)))
        self.strip(model, data)


class BlocksTest(OperationTestCase):
    @parameterized.parameters(
        ((None, 4, 6), (None, 24), [((1, 2), (1,))]),
        ((None, 4, 6), (None, 4, 3, 2), [((1,), (1,)), ((2,), (2, 3))]),
        ((None, 1, 6), (None, 6), [((2,), (1,))]),
        ((None, 2, 3, 5), (None, 6, 1, 5), [((1, 2), (1,)), ((3,), (3,))]),
        ((None, 4, 6), (None, 3, 8), [((1, 2), (1, 2))]),
        ((None, None, 6), (None, None, 2, 3), [((1,), (1,)), ((2,), (2, 3))]),
        ((None, 4, 6), (None, 6), None),
        ((None, None, 6), (None, 6, None), None),
        ((2, 6), (4, 3), None),
    )
    def test_blocks(self, before, after, expected):
        found = reshape.blocks(before, after)
        if expected is not None:
            found = [(b.inputs, b.outputs) for b in found]
        self.assertEqual(found, expected)


if __name__ == "__main__":
    absltest.main()
