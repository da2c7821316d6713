"""Tests of the rules of slices, splits and padding."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery.barrier import Barrier
from tests.surgery.rules.operation_test_case import GATES
from tests.surgery.rules.operation_test_case import OperationTestCase


class SlicingTest(OperationTestCase):
    @parameterized.named_parameters(
        ("split", lambda y: ops.split(y, 3, axis=-1)),
        ("split_unequal", lambda y: ops.split(y, [2, 4], axis=-1)),
        ("split_rows", lambda y: ops.split(y, [1, 2], axis=1)),
        ("flip", lambda y: ops.flip(y, axis=-1)),
        ("flip_rows", lambda y: ops.flip(y, axis=1)),
        ("flip_both", lambda y: ops.flip(y, axis=(1, 2))),
        ("take", lambda y: ops.take(y, [4, 0, 2, 2], axis=-1)),
        ("take_rows", lambda y: ops.take(y, [3, 0], axis=1)),
        ("item", lambda y: y[..., 1:]),
        ("item_steps", lambda y: y[:, :, ::-2]),
        ("item_rows", lambda y: y[:, 1:3]),
        ("item_row", lambda y: y[:, -1]),
        ("item_both", lambda y: y[:, 1:, 1:-1]),
        ("item_row_and_units", lambda y: y[:, 2, 1:-1]),
        ("pad_units", lambda y: ops.pad(y, ((0, 0), (0, 0), (2, 1)))),
        (
            "pad_with",
            lambda y: ops.pad(y, ((0, 0), (1, 0), (2, 1)), constant_values=0.5),
        ),
        (
            "pad_rows",
            lambda y: ops.pad(ops.sigmoid(y), ((0, 0), (1, 2), (0, 0))),
        ),
        (
            "reflect",
            lambda y: ops.pad(
                ops.sigmoid(y), ((0, 0), (1, 2), (0, 0)), mode="reflect"
            ),
        ),
    )
    def test_operation(self, function):
        self.strips(function)

    @parameterized.named_parameters(
        (
            "reflected",
            lambda y: ops.pad(y, ((0, 0), (0, 0), (2, 1)), mode="reflect"),
        ),
        ("one_unit", lambda y: y[:, :, 3]),
    )
    def test_what_is_not_followed_is_still_right(self, function):
        self.strips_somehow(function)

    @parameterized.named_parameters(
        ("flip", lambda y: ops.flip(y), Barrier.BATCH_AXIS),
        ("item", lambda y: y[:2, :], Barrier.BATCH_AXIS),
        ("matrix", lambda y: ops.take(y, [[0, 1]], -1), Barrier.RESHAPED),
        ("newaxis", lambda y: y[:, None], Barrier.EXTRA_INPUTS),
    )
    def test_barrier(self, function, reason):
        self.strips(function, barriers=[reason])

    def test_factors_do_not_reach_what_is_padded_with(self):
        x = keras.Input((4, 5))
        dense = layers.Dense(6)  # read elsewhere: its gates are not folded
        y = self.gate(layers.Identity(), list(GATES))(dense(x))
        y = ops.pad(y, ((0, 0), (1, 0), (0, 0)), constant_values=0.5)
        heads = layers.Dense(2)(y), layers.Dense(2)(dense(x))
        self.strip(self.finish(x, heads))
        self.strip(self.finish(x, [y, dense(x)]))

    def test_split_whose_parts_go_different_ways(self):
        x = keras.Input((4, 5))
        left, right = ops.split(self.gated(x), 2, axis=-1)
        y = layers.Dense(3)(left) * layers.Conv1D(3, 2, padding="same")(right)
        small, report = self.strip(self.finish(x, y))
        self.assertEmpty(report.barriers)
        self.assertEqual(self.first_dense(small), 3)

    def test_part_that_nobody_reads(self):
        x = keras.Input((5,))
        left, _ = ops.split(self.gated(x, gates=[1] * 6), 2, axis=-1)
        small, _ = self.strip(self.finish(x, layers.Dense(3)(left)))
        self.assertEqual(self.first_dense(small), 3)


if __name__ == "__main__":
    absltest.main()
