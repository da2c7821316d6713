"""Tests of the quadrature rules on integrals that are known."""

import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.distributions import quadrature
from tests.distributions.distribution_test_case import DistributionTestCase


class QuadratureTest(DistributionTestCase):
    @parameterized.parameters(0, 1, 40, 127)
    def test_gauss_legendre_is_exact_for_polynomials(self, degree):
        low = tf.constant([[-1.0], [0.25]], tf.float64)
        high = tf.constant([[0.5], [1.0]], tf.float64)
        x, dx = quadrature.gauss_legendre(low, high)
        self.assertEqual(x.shape, [2, 64])
        exact = (high ** (degree + 1) - low ** (degree + 1)) / (degree + 1)
        self.assertAllClose(
            tf.reduce_sum(x**degree * dx, -1), exact[:, 0], rtol=1e-13
        )

    @parameterized.parameters(0.0, 0.3, 1.0, 2.0)
    def test_sigmoid_trapezoid_integrates_powers(self, power):
        t, dy = quadrature.sigmoid_trapezoid(tf.float64)
        total = tf.reduce_sum(tf.sigmoid(t) ** power * dy)
        self.assertAllClose(total, 1 / (power + 1), rtol=0, atol=1e-14)
        mirrored = tf.reduce_sum(tf.sigmoid(-t) ** power * dy)
        self.assertAllClose(mirrored, 1 / (power + 1), rtol=0, atol=1e-14)

    def test_dtype_is_kept(self):
        for dtype in (tf.float16, tf.float32, tf.float64):
            ends = tf.zeros([1], dtype), tf.ones([1], dtype)
            for x in (
                *quadrature.gauss_legendre(*ends),
                *quadrature.sigmoid_trapezoid(dtype),
            ):
                self.assertEqual(x.dtype, dtype)
                self.assertAllInRange(x, -40, 40)


if __name__ == "__main__":
    absltest.main()
