"""Tests of the rules of means, sums and extrema."""

from absl.testing import absltest
from absl.testing import parameterized
from keras import ops

from keras_l0.surgery.barrier import Barrier
from tests.surgery.rules.operation_test_case import OperationTestCase


class ReductionsTest(OperationTestCase):
    @parameterized.named_parameters(
        ("mean", lambda y: ops.mean(y, axis=1)),
        ("means", lambda y: ops.mean(ops.expand_dims(y, 3), axis=(1, -1))),
        ("maximum", lambda y: ops.max(y, axis=1, keepdims=True)),
        ("minimum", lambda y: ops.min(y, axis=-2)),
        ("sum", lambda y: ops.sum(ops.sigmoid(y), axis=1)),
    )
    def test_operation(self, function):
        self.strips(function)

    @parameterized.named_parameters(
        ("channels_of_all", lambda y: ops.mean(y, axis=-1, keepdims=True)),
        ("one_channel", lambda y: y[..., 2:3] * ops.sum(y, -1, keepdims=True)),
    )
    def test_what_is_not_followed_is_still_right(self, function):
        self.strips_somehow(function)

    @parameterized.named_parameters(
        ("sum", lambda y: ops.sum(y, 0, keepdims=True), Barrier.BATCH_AXIS),
    )
    def test_barrier(self, function, reason):
        self.strips(function, barriers=[reason])


if __name__ == "__main__":
    absltest.main()
