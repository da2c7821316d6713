"""Tests of Clipped, around distributions that SciPy knows."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import absltest
from absl.testing import parameterized
from scipy import stats

from keras_l0.distributions import Clipped
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import seed
from tests.distributions.distribution_test_case import value_and_gradient

tfd = tfp.distributions
LOC = np.array([0.0, 0.25, 0.5, 1.0])
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def clipped_normal(**arguments):
    return Clipped(tfd.Normal(LOC, np.float64(0.5)), **arguments)


class ClippedTest(DistributionTestCase):
    def test_prob_nonzero_of_gaussian_gate(self):
        expected = [0.5, 0.691462461, 0.841344746, 0.977249868]
        self.assertAllClose(
            clipped_normal().prob_nonzero(), expected, rtol=0, atol=1e-9
        )

    @parameterized.parameters((0.0, 1.0), (-0.5, 2.0))
    def test_functions_match_scipy(self, low, high):
        gate, normal = clipped_normal(low=low, high=high), stats.norm(LOC, 0.5)
        x = np.array([[low], [low + 0.1], [0.8], [high - 1e-9]])
        self.assertAllClose(gate.cdf(x), normal.cdf(x), **CLOSE)
        self.assertAllClose(gate.survival_function(x), normal.sf(x), **CLOSE)
        self.assertAllClose(gate.log_cdf(x), normal.logcdf(x), **CLOSE)
        self.assertAllClose(gate.prob(x[1:]), normal.pdf(x[1:]), **CLOSE)
        self.assertAllClose(gate.prob(low), normal.cdf(low), **CLOSE)
        self.assertAllClose(gate.prob(high), normal.sf(high), **CLOSE)
        self.assertAllClose(gate.log_prob(high), normal.logsf(high), **CLOSE)
        self.assertAllEqual(gate.cdf(high), np.ones(4))
        self.assertAllEqual(gate.survival_function(high), np.zeros(4))
        p = np.array([[0.01], [0.4], [0.99]])
        expected = np.clip(normal.ppf(p), low, high)
        self.assertAllClose(gate.quantile(p), expected, **CLOSE)

    def test_samples_are_those_of_the_distribution_clipped(self):
        gate = clipped_normal(low=-0.5, high=0.75)
        x = gate.distribution.sample(1000, seed=seed())
        z = gate.sample(1000, seed=seed())
        self.assertAllEqual(z, np.clip(x, -0.5, 0.75))

    def test_gradient_is_finite_where_the_distribution_has_none(self):
        # The log-density of a log-normal variable is NaN below 0.
        z = np.log(0.2) - 0.3
        for value, slope in (
            (-1.0, 0.0),
            (0.2, -stats.norm.pdf(z) / stats.norm.cdf(z)),
            (0.5, np.log(0.5) - 0.3),
        ):
            _, gradient = value_and_gradient(
                lambda loc, x=value: Clipped(
                    tfd.LogNormal(loc, np.float64(1.0)), low=0.2
                ).log_prob(x),
                np.float64(0.3),
            )
            self.assertAllClose(gradient, slope, **CLOSE)

    def test_deterministic_gate_is_the_median(self):
        gate = clipped_normal(low=0.1, high=0.75)
        self.assertAllClose(
            gate.deterministic_gate(), [0.1, 0.25, 0.5, 0.75], **CLOSE
        )

    def test_mode_is_the_heavier_atom(self):
        self.assertAllEqual(clipped_normal().mode(), [0, 0, 0, 1])

    def test_mode_without_atoms_is_nan(self):
        inside = tfd.Uniform(0.2, 0.8)
        self.assertAllEqual(np.isnan(Clipped(inside).mode()), True)
        touching = tfd.Uniform([-1.0, 0.5], [1.0, 2.0])
        self.assertAllEqual(Clipped(touching).mode(), [0.0, 1.0])

    def test_moments_are_not_implemented(self):
        for name in ("mean", "variance", "stddev"):
            with self.assertRaisesRegex(
                NotImplementedError, f"{name}.*Clipped"
            ):
                getattr(clipped_normal(), name)()

    def test_prob_nonzero_needs_an_atom_at_zero(self):
        with self.assertRaisesRegex(
            NotImplementedError, "`low` must be 0. Received: low=-0.5"
        ):
            clipped_normal(low=-0.5).prob_nonzero()

    def test_batch_shape_is_that_of_the_distribution(self):
        gate = Clipped(tfd.Normal(tf.zeros([3, 1]), tf.ones([2])))
        self.assertEqual(gate.batch_shape, [3, 2])
        self.assertEqual(gate.mode().shape, [3, 2])
        self.assertEqual(gate[0].batch_shape, [2])

    def test_reparameterization_is_that_of_the_distribution(self):
        self.assertEqual(
            clipped_normal().reparameterization_type,
            tfd.FULLY_REPARAMETERIZED,
        )
        mixture = tfd.MixtureSameFamily(
            tfd.Categorical(logits=[0.0, 0.0]), tfd.Normal([0.0, 1.0], 1.0)
        )
        self.assertEqual(
            Clipped(mixture).reparameterization_type,
            tfd.NOT_REPARAMETERIZED,
        )

    @parameterized.parameters(
        (
            "normal",
            0.0,
            1.0,
            TypeError,
            r"`distribution` must be a `tfp.distributions.Distribution`. "
            r"Received: distribution='normal' \(str\)",
        ),
        (
            tfd.MultivariateNormalDiag([0.0, 0.0]),
            0.0,
            1.0,
            ValueError,
            r"must have scalar events. Received: .*event_shape=\(2,\)",
        ),
        (
            tfd.Normal(0.0, 1.0),
            "0",
            1.0,
            TypeError,
            r"`low` must be a Python number. Received: low='0' \(str\)",
        ),
        (
            tfd.Normal(0.0, 1.0),
            0.0,
            [1.0],
            TypeError,
            r"`high` must be a Python number. Received: high=\[1.0\] \(list\)",
        ),
        (
            tfd.Normal(0.0, 1.0),
            1.0,
            1.0,
            ValueError,
            "`low` must be below `high`. Received: low=1.0, high=1.0",
        ),
        (
            tfd.Normal(0.0, 1.0),
            0.0,
            np.nan,
            ValueError,
            "`low` must be below `high`. Received: low=0.0, high=nan",
        ),
    )
    def test_wrong_argument_raises(self, distribution, low, high, error, words):
        with self.assertRaisesRegex(error, words):
            Clipped(distribution, low, high)


if __name__ == "__main__":
    absltest.main()
