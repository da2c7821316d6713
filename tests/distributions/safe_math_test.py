"""Tests for safe_math."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.distributions import safe_math
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import value_and_gradient


class SafeMathTest(DistributionTestCase):
    @parameterized.parameters(False, True)
    def test_safe_sqrt_has_gradient_zero_at_zero(self, compiled):
        root, gradient = value_and_gradient(
            tf.function(safe_math.safe_sqrt, jit_compile=compiled),
            np.array([0.0, 4.0, -1e-9]),
        )
        self.assertAllEqual(root, [0, 2, 0])
        self.assertAllEqual(gradient, [0, 0.25, 0])

    @parameterized.parameters(False, True)
    def test_safe_log_has_gradient_zero_at_zero(self, compiled):
        log, gradient = value_and_gradient(
            tf.function(safe_math.safe_log, jit_compile=compiled),
            np.array([0.0, 1.0, 4.0]),
        )
        self.assertAllClose(log, [-np.inf, 0, np.log(4)])
        self.assertAllEqual(gradient, [0, 1, 0.25])


if __name__ == "__main__":
    absltest.main()
