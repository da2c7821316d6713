"""Tests of the rules of operations that move axes."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery.barrier import Barrier
from tests.surgery.rules.operation_test_case import OperationTestCase


class MovingTest(OperationTestCase):
    @parameterized.named_parameters(
        ("transpose", lambda y: ops.transpose(y, (0, 2, 1))[..., 1:]),
        (
            "there_and_back",
            lambda y: ops.transpose(
                ops.relu(ops.transpose(y, (0, -1, 1))), (0, 2, 1)
            ),
        ),
        ("swapaxes", lambda y: ops.swapaxes(y, 1, -1)),
        ("moveaxis", lambda y: ops.moveaxis(y, -1, 1)),
        ("expand", lambda y: ops.expand_dims(y, (1, -2))),
        ("expand_last", lambda y: ops.expand_dims(y, -1)),
        ("squeeze", lambda y: ops.squeeze(y[:, 1:2], 1)),
    )
    def test_operation(self, function):
        self.strips(function)

    @parameterized.named_parameters(
        ("squeeze", lambda y: ops.squeeze(y[:, :1]), Barrier.DYNAMIC_SHAPE),
    )
    def test_barrier(self, function, reason):
        self.strips(function, barriers=[reason])

    def test_permute(self):
        x = keras.Input((4, 5))
        y = layers.Permute((2, 1))(self.gated(x))
        y = layers.Flatten()(layers.Permute((2, 1))(ops.relu(y)))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(self.first_dense(small), 3)


if __name__ == "__main__":
    absltest.main()
