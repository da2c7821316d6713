"""Tests of StretchedConcrete against TFP's RelaxedBernoulli and quadrature."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import absltest
from absl.testing import parameterized
from scipy import special
from scipy import stats

from keras_l0.distributions import StretchedConcrete
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import seed
from tests.distributions.distribution_test_case import value_and_gradient

LOGITS = np.array([-2.0, 0.0, 0.7])
X = np.array([[-0.05], [0.0], [0.4], [1.0], [1.09]])


class StretchedConcreteTest(DistributionTestCase):
    @parameterized.parameters(0.1, 2 / 3, 2.0)
    def test_probabilities_match_relaxed_bernoulli(self, temperature):
        oracle = tfp.distributions.RelaxedBernoulli(temperature, logits=LOGITS)
        dist, unit = StretchedConcrete(LOGITS, temperature), (X + 0.1) / 1.2
        close = {"rtol": 1e-10, "atol": 1e-12}
        self.assertAllClose(dist.cdf(X), oracle.cdf(unit), **close)
        self.assertAllClose(
            dist.log_prob(X), oracle.log_prob(unit) - np.log(1.2), **close
        )
        self.assertAllClose(
            dist.survival_function(X), oracle.survival_function(unit), **close
        )

    def test_samples_pass_kolmogorov_smirnov(self):
        for i, (logit, temperature, low, high) in enumerate(
            ((0.0, 2 / 3, -0.1, 1.1), (1.0, 0.3, 0.0, 1.0), (-1, 2, -3, 5))
        ):
            # float64, for float32 rounds some of the second case to 1.
            dist = StretchedConcrete(np.float64(logit), temperature, low, high)
            x = dist.sample(20_000, seed=seed(i)).numpy()

            def cdf(x, logit=logit, t=temperature, low=low, high=high):
                s = (x - low) / (high - low)
                return special.expit(t * special.logit(s) - logit)

            # False alarm 1e-4 per case.
            self.assertGreater(stats.kstest(x, cdf).pvalue, 1e-4)

    @parameterized.product(
        temperature=[0.1, 0.33, 2 / 3, 1.0, 2.0], logit=[-12, -2, 0, 1, 12]
    )
    def test_moments_have_the_documented_error(self, temperature, logit):
        dist = StretchedConcrete(np.float64(logit), temperature, 0.0, 1.0)
        first, second = self.moments(logit, temperature)
        self.assertAllClose(dist.mean(), first, rtol=0, atol=5e-15)
        self.assertAllClose(
            dist.variance(), second - first**2, rtol=0, atol=5e-15
        )
        stretched = StretchedConcrete(np.float64(logit), temperature, -2.0, 3.0)
        self.assertAllClose(stretched.mean(), 5 * dist.mean() - 2)
        self.assertAllClose(stretched.stddev(), 5 * dist.stddev())

    def moments(self, logit, temperature):
        """E[s] and E[s^2] by panels of Gauss-Legendre nodes in t = logit(s)."""
        nodes, weights = np.polynomial.legendre.leggauss(20)
        edges = np.linspace(-45, 45, 401)
        t = ((edges[:-1, np.newaxis] + edges[1:, np.newaxis]) / 2).repeat(
            20, axis=1
        ) + nodes * 0.1125
        s = special.expit(t)
        survival = special.expit(logit - temperature * t)
        first = s * special.expit(-t) * survival * weights * 0.1125
        return first.sum(), (2 * s * first).sum()

    def test_variance_keeps_its_digits_next_to_an_end(self):
        dist = StretchedConcrete(np.array([-12.0, 12.0], "float32"))
        exact = StretchedConcrete(np.array([-12.0, 12.0]))
        # 20 roundings of 6e-8; a difference of E[x^2] and E[x]^2 near 1 would
        # err by 1e-2.
        self.assertAllClose(
            dist.variance(), exact.variance(), rtol=2e-6, atol=0
        )
        self.assertAllGreater(StretchedConcrete([-1e3, 1e3]).variance(), -1e-30)

    def test_gradients_match_finite_differences(self):
        args = [LOGITS, np.array([0.4, 2 / 3, 1.2]), np.float64(-0.2), 1.3]
        args = [np.asarray(arg) for arg in args]
        for function in (
            lambda *args: StretchedConcrete(*args).mean(),
            lambda *args: StretchedConcrete(*args).variance(),
            lambda *args: StretchedConcrete(*args).stddev(),
            lambda *args: StretchedConcrete(*args).log_prob(X),
            lambda *args: StretchedConcrete(*args).log_cdf(X),
            lambda *args: StretchedConcrete(*args).log_survival_function(X),
            lambda *args: StretchedConcrete(*args).quantile(0.3),
            lambda *args: StretchedConcrete(*args).sample(5, seed=seed()),
        ):
            _, gradients = value_and_gradient(function, *args)
            for i, gradient in enumerate(gradients):
                above, below = list(args), list(args)
                above[i], below[i] = args[i] + 1e-5, args[i] - 1e-5
                difference = (function(*above) - function(*below)) / 2e-5
                while difference.shape.rank > gradient.shape.rank:
                    difference = tf.reduce_sum(difference, 0)
                # A central difference errs by step^2 and 1e-16 / step times
                # the higher derivatives, large next to an end (1.09 of 1.1).
                self.assertAllClose(gradient, difference, rtol=1e-5, atol=1e-6)

    def test_ends_of_the_support_have_no_density(self):
        dist = StretchedConcrete([-1.0, 1.0])
        for end, cdf in ((dist.stretch_low, 0), (dist.stretch_high, 1)):
            self.assertAllEqual(dist.prob(end), [0, 0])
            self.assertAllEqual(dist.log_prob(end), [-np.inf, -np.inf])
            self.assertAllEqual(dist.cdf(end), [cdf, cdf])

    def test_quantile_is_undefined_outside_probabilities(self):
        dist = StretchedConcrete(0.0)
        self.assertAllEqual(np.isnan(dist.quantile([-0.1, 1.1])), [True] * 2)
        checked = StretchedConcrete(0.0, validate_args=True)
        with self.assertRaisesRegex(
            tf.errors.InvalidArgumentError, "`value` must be <= 1"
        ):
            checked.quantile(1.1)

    def test_float16_noise_has_more_than_ten_bits(self):
        dist = StretchedConcrete(np.float16(0), np.float16(5))
        x = dist.sample(20_000, seed=seed()).numpy()
        # 1024 values of a float16 uniform would give no more than 1024 here.
        self.assertGreater(len(np.unique(x)), 1100)

    def test_mode_is_not_implemented(self):
        with self.assertRaisesRegex(NotImplementedError, "mode"):
            StretchedConcrete(0.0).mode()

    @parameterized.parameters(
        (
            {"temperature": -0.5},
            "`temperature` must be positive. Received: temperature=-0.5",
        ),
        (
            {"stretch_low": 2.0},
            "`stretch_low` must be below `stretch_high`. "
            "Received: stretch_low=2.0, stretch_high=1.1",
        ),
        ({"stretch_low": 1.1}, "`stretch_low` must be below `stretch_high`"),
    )
    def test_wrong_number_raises(self, arguments, message):
        with self.assertRaisesRegex(ValueError, message):
            StretchedConcrete([0.0], **arguments)
        tensors = {k: tf.constant(v) for k, v in arguments.items()}
        StretchedConcrete([0.0], **tensors)
        with self.assertRaisesRegex(ValueError, message.split("Received")[0]):
            StretchedConcrete([0.0], **tensors, validate_args=True)


if __name__ == "__main__":
    absltest.main()
