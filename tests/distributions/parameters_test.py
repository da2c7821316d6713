"""Tests of how parameters are taken, kept and checked."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.distributions import HardConcrete
from keras_l0.distributions import parameters
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import seed


def _is_positive(x):
    return x > 0


POSITIVE = (_is_positive, "`x` must be positive.")


class CommonDtypeTest(DistributionTestCase):
    @parameterized.parameters(
        ({"a": 1.0, "b": [0, 1]}, "float32"),
        ({"a": 1.0, "b": np.zeros(2)}, "float64"),
        ({"a": np.zeros(2, "float16"), "b": np.float64(1)}, "float16"),
    )
    def test_first_value_with_a_dtype_decides(self, values, expected):
        self.assertEqual(parameters.common_dtype(**values), expected)

    def test_tensors_and_variables_have_a_dtype(self):
        for value in (
            tf.constant(0.0, tf.float64),
            tf.Variable(0.0, dtype=tf.float64),
            keras.Variable(0.0, dtype="float64"),
        ):
            dtype = parameters.common_dtype(a=1.0, b=value)
            self.assertEqual(dtype, tf.float64)

    @parameterized.parameters(np.int32, tf.bfloat16.as_numpy_dtype)
    def test_other_dtypes_raise(self, dtype):
        with self.assertRaisesRegex(
            TypeError,
            "`logits` must be float16, float32 or float64. "
            "Received: logits.dtype=(int32|bfloat16)",
        ):
            HardConcrete(np.zeros(3, dtype))


class AsParameterTest(DistributionTestCase):
    def test_variable_is_kept(self):
        for value in (
            tf.Variable(1.0),
            tfp.util.TransformedVariable(1.0, tfp.bijectors.Exp()),
        ):
            kept = parameters.as_parameter("x", value, tf.float32)
            self.assertIs(kept, value)

    def test_other_values_become_tensors(self):
        for value in (1, [1.0, 2.0], np.ones(3), keras.Variable(1.0)):
            kept = parameters.as_parameter("x", value, tf.float32)
            self.assertTrue(tf.is_tensor(kept))
            self.assertEqual(kept.dtype, tf.float32)

    def test_keras_variable_reaches_the_gradient_inside_the_tape(self):
        logits = keras.Variable([0.0, 1.0])
        with tf.GradientTape() as tape:
            z = HardConcrete(logits).sample(100, seed=seed())
        self.assertAllGreater(tape.gradient(z, logits.value), 0.0)

    @parameterized.parameters(("0.5", "str"), (None, "NoneType"))
    def test_other_types_raise(self, value, name):
        with self.assertRaisesRegex(
            TypeError,
            "`temperature` must be a number or a float tensor. Received: "
            rf"temperature={value!r} \({name}\)",
        ):
            HardConcrete([0.0], temperature=value)

    def test_variable_of_another_dtype_raises(self):
        with self.assertRaisesRegex(
            TypeError,
            "`temperature` must be float32 like the other parameters. "
            "Received: temperature.dtype=float64",
        ):
            HardConcrete(
                tf.zeros([2]), temperature=tf.Variable(1.0, dtype=tf.float64)
            )


class CheckNumbersTest(DistributionTestCase):
    @parameterized.parameters(-1, 0.0, np.float32(-2), [[1.0, -1.0]], np.nan)
    def test_numbers_are_checked(self, x):
        with self.assertRaisesRegex(ValueError, "`x` must be positive. Recei"):
            parameters.check_numbers(*POSITIVE, x=x)

    def test_right_numbers_and_tensors_pass(self):
        variable = tf.Variable(-1.0)
        for x in (1, [2.0, 3.0], tf.constant(-1.0), variable, [variable]):
            parameters.check_numbers(*POSITIVE, x=x)


class AssertionsTest(DistributionTestCase):
    def test_known_tensor_is_checked_in_the_constructor(self):
        x = tf.constant(-1.0)
        with self.assertRaisesRegex(ValueError, "positive. Received: x=-1.0"):
            parameters.assertions(*POSITIVE, True, x=x)
        self.assertEmpty(parameters.assertions(*POSITIVE, False, x=x))

    def test_variable_is_checked_in_the_methods(self):
        x = tf.Variable(-1.0)
        self.assertEmpty(parameters.assertions(*POSITIVE, True, x=x))
        with self.assertRaisesRegex(ValueError, "positive. Received: x=-1.0"):
            parameters.assertions(*POSITIVE, False, x=x)

    def test_unknown_tensor_is_checked_by_an_operation(self):
        @tf.function(autograph=False)
        def check(x):
            ops = parameters.assertions(*POSITIVE, True, x=x)
            self.assertLen(ops, 1)
            return tf.identity(x)

        check(tf.constant(1.0))
        with self.assertRaisesRegex(
            tf.errors.InvalidArgumentError, "`x` must be positive"
        ):
            check(tf.constant(-1.0))

    def test_range_includes_its_ends(self):
        parameters.range_assertions(tf.constant([0.0, 0.5, 1.0]), 0.0, 1.0)
        for value in (-0.1, 1.1):
            with self.assertRaisesRegex(
                tf.errors.InvalidArgumentError,
                "`value` must be between 0.0 and 1.0",
            ):
                parameters.range_assertions(tf.constant(value), 0.0, 1.0)


if __name__ == "__main__":
    absltest.main()
