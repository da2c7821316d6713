"""Tests of the gradient estimators of binary gates, by exact integration.

Every estimate is, cell by cell, a polynomial of degree 1 in the uniform
numbers: the cells end at p and 1 - p of each gate. Two Gauss points per side
of a cell integrate it, and its square, exactly.
"""

import itertools

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.distributions import BernoulliGate
from keras_l0.gates import arm_estimators
from tests import test_util

LOGITS = np.array([0.3, -0.8, 1.2])
GRADIENT = np.array([0.114012926, 0.292025318, 0.054524867])
VARIANCES = {
    "arm": [0.264013, 0.156407, 0.292364],
    "ar": [1.254737, 1.435763, 1.280046],
}
# Estimates are at most 5.3; each is rounded a few times by 6e-8 of that.
ATOL = 2e-6


def three_gate_loss(z):
    """(z0 - 2 z1 + z2 / 2 - 0.3)^2 + 0.7 z0 z2 of gates `[..., 3]`."""
    linear = z @ np.array([1, -2, 0.5]) - 0.3
    return linear**2 + 0.7 * z[..., 0] * z[..., 2]


def losses(probs, uniforms):
    """The loss under `quantile(v)` and under `quantile(1 - v)`."""
    return (
        three_gate_loss(np.float64(v > 1 - probs))
        for v in (uniforms, 1 - uniforms)
    )


def gauss_points(probs):
    """Points `[n, 3]` in the cube and their weights `[n]`, cell by cell."""
    sides = []
    for p in probs:
        edges = np.array([0, min(p, 1 - p), max(p, 1 - p), 1])
        middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
        points = [middle - half / np.sqrt(3), middle + half / np.sqrt(3)]
        sides.append(list(zip(np.ravel(points), [*half, *half], strict=True)))
    rows = np.array(list(itertools.product(*sides)))
    return rows[..., 0], np.prod(rows[..., 1], axis=-1)


def integrate(name):
    """Exact mean and variance of an estimator on the three gates."""
    probs = 1 / (1 + np.exp(-LOGITS))
    points, weights = gauss_points(probs)
    estimates = np.float64(
        arm_estimators.ESTIMATORS[name](
            BernoulliGate(logits=np.float32(LOGITS)),
            np.float32(points),
            *(np.float32(f)[:, np.newaxis] for f in losses(probs, points)),
        )
    )
    mean = weights @ estimates
    return mean, weights @ estimates**2 - mean**2


def disarm_variance():
    """Variance of ARM's mean in each cell (Rao and Blackwell), by NumPy."""
    probs = 1 / (1 + np.exp(-LOGITS))
    points, weights = gauss_points(probs)
    loss, other = losses(probs, points)
    low = np.minimum(probs, 1 - probs)
    # Means of u - 1/2 = 1/2 - v in the lower, the middle, the upper cell.
    centers = np.where(points < low, (1 - low) / 2, 0)
    centers = np.where(points > 1 - low, -(1 - low) / 2, centers)
    means = (other - loss)[:, np.newaxis] * centers
    return weights @ means**2 - (weights @ means) ** 2


class ArmEstimatorsTest(test_util.TestCase):
    def test_oracle_has_the_expectation(self):
        probs = 1 / (1 + np.exp(-LOGITS))
        points, weights = gauss_points(probs)
        self.assertAllClose(weights.sum(), 1.0, rtol=1e-12)
        loss, other = losses(probs, points)
        for f in (loss, other):  # To the digits that are printed.
            self.assertAllClose(weights @ f, 1.455096147, rtol=1e-9)

    @parameterized.parameters("arm", "ar", "disarm")
    def test_is_unbiased(self, name):
        mean, _ = integrate(name)
        self.assertAllClose(mean, GRADIENT, rtol=0, atol=ATOL)

    @parameterized.parameters("arm", "ar")
    def test_variance(self, name):
        _, variance = integrate(name)
        # Six decimals are printed; squares are at most 5.3 ** 2.
        self.assertAllClose(variance, VARIANCES[name], rtol=0, atol=1e-5)

    def test_disarm_is_arm_s_conditional_mean(self):
        _, variance = integrate("disarm")
        self.assertAllClose(variance, disarm_variance(), rtol=0, atol=1e-5)

    def test_variances_are_ordered(self):
        _, disarm = integrate("disarm")
        _, arm = integrate("arm")
        _, ar = integrate("ar")
        self.assertAllLess(disarm - arm, 0)
        self.assertAllLess(arm - ar, 0)

    @parameterized.parameters(
        # (f' - f) (u - 1/2), f (1 - 2 u), (f - f') / 2 (z - z') max(p, 1 - p)
        ("arm", [-0.33, 0.44, 0.11]),
        ("ar", [1.284, -1.712, -0.428]),
        ("disarm", [-0.315943384, 0.379485965, 0.0]),
    )
    def test_sample(self, name, expected):
        # u = [0.2, 0.9, 0.6]: z = [1, 0, 1] with loss 2.14, z' = [0, 1, 1]
        # with loss 3.24.
        estimate = arm_estimators.ESTIMATORS[name](
            BernoulliGate(logits=np.float32(LOGITS)),
            tf.constant([0.8, 0.1, 0.4]),
            tf.constant(2.14),
            tf.constant(3.24),
        )
        # The difference of two float32 near 3 is off by 2e-7 of 1.1.
        self.assertAllClose(estimate, expected, rtol=1e-6, atol=2e-7)

    @parameterized.parameters("arm", "disarm")
    def test_constant_loss_has_no_gradient(self, name):
        uniforms = np.random.default_rng(0).uniform(size=(50, 3))
        estimate = arm_estimators.ESTIMATORS[name](
            BernoulliGate(logits=np.float32(LOGITS)),
            np.float32(uniforms),
            tf.constant(7.3),
            tf.constant(7.3),
        )
        self.assertAllEqual(estimate, np.zeros((50, 3)))

    def test_ar_of_a_constant_loss_is_noise(self):
        estimate = arm_estimators.ar(
            BernoulliGate(logits=np.zeros(2, "float32")),
            tf.constant([0.25, 0.75]),
            tf.constant(2.0),
            None,
        )
        self.assertAllEqual(estimate, [-1, 1])

    @parameterized.parameters("arm", "disarm")
    def test_constant_offset_cancels(self, name):
        gate = BernoulliGate(logits=np.float32(LOGITS))
        uniforms = tf.constant([0.8, 0.1, 0.4])
        estimates = [
            arm_estimators.ESTIMATORS[name](
                gate,
                uniforms,
                tf.constant(2.25 + offset),
                tf.constant(3.5 + offset),
            )
            for offset in (0.0, 64.0)  # Sums that are exact in float32.
        ]
        self.assertAllEqual(*estimates)

    def test_disarm_is_zero_where_both_gates_agree(self):
        # p = 0.77: both are open for v in (0.23, 0.77).
        estimate = arm_estimators.disarm(
            BernoulliGate(logits=tf.fill([4], 1.2)),
            tf.constant([0.24, 0.5, 0.76, 0.78]),
            tf.constant(1.0),
            tf.constant(3.0),
        )
        self.assertAllEqual(estimate[:3], [0, 0, 0])
        self.assertAllClose(estimate[3], -0.768524783)


if __name__ == "__main__":
    absltest.main()
