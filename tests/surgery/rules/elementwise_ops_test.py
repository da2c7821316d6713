"""Tests of the rules of elementwise operations."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from tests.surgery.rules.operation_test_case import OperationTestCase

ELEMENTWISE = (
    "absolute",
    "arctan",
    "ceil",
    "celu",
    "copy",
    "cos",
    "elu",
    "erf",
    "exp",
    "expm1",
    "floor",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log1p",
    "log_sigmoid",
    "negative",
    "relu",
    "relu6",
    "round",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sqrt",
    "square",
    "squareplus",
    "stop_gradient",
    "tanh",
    "tanh_shrink",
)


class ElementwiseOperationsTest(OperationTestCase):
    @parameterized.parameters(*ELEMENTWISE)
    def test_elementwise(self, name):
        small = self.strips(getattr(ops, name))
        self.assertEqual(self.first_dense(small), 3)

    @parameterized.parameters("log", "reciprocal", "rsqrt")
    def test_elementwise_where_zero_is_no_argument(self, name):
        small = self.strips(lambda y: getattr(ops, name)(y + 1.0))
        self.assertEqual(self.first_dense(small), 3)

    def test_logarithm_of_zero_stays_what_it_is(self):
        x = keras.Input((3,))
        y = ops.maximum(ops.log(self.gated(x)), -2.0)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    @parameterized.named_parameters(
        ("clip", lambda y: ops.clip(y, 0.1, 0.7)),
        ("cast", lambda y: ops.cast(ops.cast(y, "float32"), "float64")),
        ("threshold", lambda y: ops.threshold(y, 0.2, 0.3)),
        (
            "cast_to_integers",
            lambda y: ops.cast(ops.cast(y, "int32"), "float64"),
        ),
    )
    def test_options(self, function):
        self.strips(function)


if __name__ == "__main__":
    absltest.main()
