"""Tests of HardConcrete against published formulas and computed values."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import absltest
from absl.testing import parameterized
from scipy import integrate
from scipy import special
from scipy import stats

from keras_l0.distributions import HardConcrete
from tests.distributions import hard_concrete_vectors
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import seed
from tests.distributions.distribution_test_case import value_and_gradient

TABLE = hard_concrete_vectors.TABLE
LOG_11 = np.log(11.0)
KAPPA = 2 / 3 * LOG_11
# The table has 12 digits.
PRINTED = {"rtol": 1e-11, "atol": 1e-12}


def survival(x, logits, temperature, low, high):
    """P(stretched variable > x), the paper's 1 - Q, for quadrature."""
    logit = np.log(x - low) - np.log(high - x)
    return special.expit(logits - temperature * logit)


class TableTest(DistributionTestCase):
    """The table of reference values, column by column, in both precisions."""

    def check(self, column, function):
        expected = TABLE[column]
        self.assertAllClose(function(TABLE["logits"]), expected, **PRINTED)
        # 32 units in the last place of 1, for some ten operations.
        single = function(TABLE["logits"].astype("float32"))
        self.assertAllClose(single, expected, rtol=0, atol=32 * 2**-24)

    def test_prob_zero(self):
        self.check("prob_zero", lambda x: HardConcrete(x).prob(0.0))
        self.check("prob_zero", lambda x: HardConcrete(x).cdf(0.0))
        self.check("prob_zero", lambda x: 1 - HardConcrete(x).prob_nonzero())

    def test_prob_one(self):
        self.check("prob_one", lambda x: HardConcrete(x).prob(1.0))

    def test_prob_nonzero_slope(self):
        self.check(
            "prob_nonzero_slope",
            lambda x: value_and_gradient(
                lambda x: HardConcrete(x).prob_nonzero(), x
            )[1],
        )

    def test_mean(self):
        self.check("mean", lambda x: HardConcrete(x).mean())

    def test_variance(self):
        self.check("variance", lambda x: HardConcrete(x).variance())

    def test_stddev(self):
        self.check("variance", lambda x: HardConcrete(x).stddev() ** 2)

    def test_paper_rule(self):
        self.check("paper", lambda x: HardConcrete(x).deterministic_gate())

    def test_median_rule(self):
        self.check(
            "median", lambda x: HardConcrete(x).deterministic_gate("median")
        )

    def test_topk_rule(self):
        # A gate alone is closed if P(z = 0) rounds to 1. The row of exactly
        # one half is left out: its rounding hangs on the last digit.
        rows = np.abs(TABLE["prob_zero"] - 0.5) > 1e-6
        soft = np.where(TABLE["prob_zero"] > 0.5, 0, TABLE["soft"])[rows]
        gates = [
            HardConcrete(logit).deterministic_gate("topk")
            for logit in TABLE["logits"][rows]
        ]
        self.assertAllClose(gates, soft, **PRINTED)
        self.assertAllEqual(np.equal(gates, 0), soft == 0)

    def test_clamped_logits_bound_prob_nonzero(self):
        bounds = HardConcrete([-np.log(100), np.log(100)]).prob_nonzero()
        self.assertAllClose(bounds, [0.047130, 0.997982], rtol=0, atol=1e-6)


class SampleTest(DistributionTestCase):
    def test_quantile_is_the_sample_at_given_noise(self):
        logits, u, z, slope = hard_concrete_vectors.SAMPLES.T
        value, gradient = value_and_gradient(
            lambda x: HardConcrete(x).quantile(u), logits
        )
        self.assertAllClose(value, z, **PRINTED)
        self.assertAllClose(gradient, slope, **PRINTED)
        self.assertAllEqual(value == 0, z == 0)
        self.assertAllEqual(value == 1, z == 1)

    def test_gradient_of_sample_is_the_closed_form(self):
        logits = np.repeat([-1.0, 0.0, 1.5], 200)
        z, gradient = value_and_gradient(
            lambda x: HardConcrete(x).sample(seed=seed()), logits
        )
        s = (z + 0.1) / 1.2
        expected = np.where((z > 0) & (z < 1), 1.2 * s * (1 - s) * 1.5, 0)
        self.assertAllClose(gradient, expected, rtol=1e-9, atol=1e-12)
        self.assertNotEmpty(np.flatnonzero(z == 0))
        self.assertNotEmpty(np.flatnonzero(z == 1))

    def test_samples_match_table(self):
        z = HardConcrete(TABLE["logits"]).sample(200_000, seed=seed()).numpy()
        # Four tests of 15 entries, 6.3e-5 each: false alarm below 4e-3.
        self.assert_mean_close((z == 0).astype(float), TABLE["prob_zero"])
        self.assert_mean_close((z == 1).astype(float), TABLE["prob_one"])
        self.assert_mean_close(z, TABLE["mean"])
        self.assert_mean_close((z - TABLE["mean"]) ** 2, TABLE["variance"])

    @parameterized.parameters(-2.0, 0.0, 1.0)
    def test_interior_samples_pass_kolmogorov_smirnov(self, logit):
        z = HardConcrete(logit).sample(50_000, seed=seed()).numpy()
        inside = z[(z > 0) & (z < 1)].astype("float64")
        args = (logit, 2 / 3, -0.1, 1.1)
        below, above = 1 - survival(0.0, *args), survival(1.0, *args)

        def cdf(x):
            return (1 - survival(x, *args) - below) / (1 - above - below)

        # False alarm 1e-4 per case.
        self.assertGreater(stats.kstest(inside, cdf).pvalue, 1e-4)

    def test_mean_of_pathwise_gradient_is_the_gradient_of_the_mean(self):
        table = hard_concrete_vectors.EXPECTATIONS
        logits = np.tile(table[:, 0], [100_000, 1])

        def draw(logits):
            return HardConcrete(logits).sample(seed=seed())

        z, z_slope = value_and_gradient(draw, logits)
        f, f_slope = value_and_gradient(lambda x: (draw(x) - 0.45) ** 2, logits)
        # Four tests of 4 entries, 6.3e-5 each: false alarm below 1e-3.
        self.assert_mean_close(f, table[:, 1])
        self.assert_mean_close(f_slope, table[:, 2])
        self.assert_mean_close(z_slope, table[:, 3])
        self.assert_mean_close(z, HardConcrete(table[:, 0]).mean())

    def test_mirrored_noise_and_logits_mirror_the_gate(self):
        u = np.arange(1, 64)[:, np.newaxis] / 64  # 1 - u is exact.
        logits = np.array([-2.0, -0.5, 0.0, 1.0])
        z = HardConcrete(logits).quantile(u)
        mirrored = HardConcrete(-logits).quantile(1 - u)
        self.assertAllClose(z + mirrored, np.ones([63, 4]), rtol=0, atol=1e-15)

    def test_mirrored_logits_mirror_the_distribution(self):
        logits = np.linspace(-5, 5, 21)
        gate, mirrored = HardConcrete(logits), HardConcrete(-logits)
        exact = {"rtol": 1e-14, "atol": 1e-15}
        self.assertAllClose(gate.prob(0.0), mirrored.prob(1.0), **exact)
        self.assertAllClose(gate.mean(), 1 - mirrored.mean(), **exact)
        self.assertAllClose(gate.variance(), mirrored.variance(), **exact)

    def test_sample_rises_with_noise(self):
        u = np.linspace(0.001, 0.999, 500)[:, np.newaxis]
        z = HardConcrete([-1.0, 0.0, 3.0]).quantile(u.astype("float32"))
        self.assertAllGreaterEqual(np.diff(z, axis=0), 0.0)

    @parameterized.parameters(
        ("float16", 1e-3), ("float32", 1e-6), ("float64", 1e-6)
    )
    def test_extreme_noise_stays_finite(self, dtype, tail):
        u = np.array([[tail], [1 - tail]], dtype)
        logits = np.array([-50, 0, 50], dtype)
        z, gradient = value_and_gradient(
            lambda x: HardConcrete(x).quantile(u), logits
        )
        self.assertAllEqual(z, [[0, 0, 1], [0, 1, 1]])
        self.assertAllEqual(gradient, [0, 0, 0])


class ProbabilityTest(DistributionTestCase):
    def test_cdf_and_density_match_relaxed_bernoulli(self):
        logits = np.array([-2.0, 0.0, 2.0])
        x = np.array([[0.01], [0.3], [0.5], [0.99]])
        oracle = tfp.distributions.RelaxedBernoulli(2 / 3, logits=logits)
        gate, unit = HardConcrete(logits), (x + 0.1) / 1.2
        close = {"rtol": 1e-12, "atol": 1e-12}
        self.assertAllClose(gate.cdf(x), oracle.cdf(unit), **close)
        self.assertAllClose(
            gate.survival_function(x), oracle.survival_function(unit), **close
        )
        self.assertAllClose(gate.prob(x), oracle.prob(unit) / 1.2, **close)
        self.assertAllClose(
            gate.prob_nonzero(), oracle.survival_function(0.1 / 1.2), **close
        )

    def test_log_probs_keep_their_digits_in_the_tails(self):
        gate = HardConcrete([-1000.0, 1000.0])
        self.assertAllClose(
            gate.log_prob([[0.0], [1.0]]),
            [[0, -1000 - KAPPA], [-1000 - KAPPA, 0]],
            rtol=1e-6,
        )
        self.assertAllClose(gate.log_cdf(0.0), [0, -1000 - KAPPA], rtol=1e-6)

    def test_log_prob_gradient_matches_finite_differences(self):
        logits, step = np.array([-2.0, 0.0, 1.0]), 1e-5
        for method in ("log_prob", "cdf", "log_cdf", "survival_function"):
            for x in (0.0, 0.3, 0.9, 1.0):
                function = lambda logits, m=method, x=x: getattr(
                    HardConcrete(logits), m
                )(x)
                _, gradient = value_and_gradient(function, logits)
                self.assert_is_difference(gradient, function, logits, step)

    def test_gradients_of_statistics_match_finite_differences(self):
        logits = np.array([-2.0, 0.0, 1.0])
        temperature = np.array([0.3, 2 / 3, 1.2])
        low, high = np.array([-0.1, -0.2, -0.3]), np.array([1.1, 1.3, 1.2])
        for function in (
            lambda *args: HardConcrete(*args).prob_nonzero(),
            lambda *args: HardConcrete(*args).mean(),
            lambda *args: HardConcrete(*args).variance(),
            lambda *args: HardConcrete(*args).stddev(),
            lambda *args: HardConcrete(*args).log_prob(0.4),
            lambda *args: HardConcrete(*args).quantile(0.6),
            lambda *args: HardConcrete(*args).deterministic_gate("median"),
        ):
            args = [logits, temperature, low, high]
            _, gradients = value_and_gradient(function, *args)
            for i, gradient in enumerate(gradients):

                def of_one(value, i=i, function=function, args=args):
                    return function(*args[:i], value, *args[i + 1 :])

                self.assert_is_difference(gradient, of_one, args[i], 1e-5)

    def assert_is_difference(self, gradient, function, x, step):
        # A central difference errs by step^2 and 1e-16 / step, times a few.
        difference = function(x + step) - function(x - step)
        self.assertAllClose(
            gradient, difference / (2 * step), rtol=1e-7, atol=1e-8
        )


class MomentsTest(DistributionTestCase):
    """mean and variance against adaptive quadrature of another formula."""

    @parameterized.product(
        temperature=[0.1, 0.33, 2 / 3, 1.0, 2.0],
        stretch=[(-0.1, 1.1), (-0.01, 1.01), (-1.0, 2.0), (-0.3, 1.05)],
    )
    def test_documented_error(self, temperature, stretch):
        logits = np.array([-12.0, -4.0, -1.0, 0.0, 0.5, 3.0, 12.0])
        gate = HardConcrete(logits, temperature, *stretch)
        args = (logits[:, np.newaxis], temperature, *stretch)
        first = self.integral(lambda x: survival(x, *args))
        second = self.integral(lambda x: 2 * x * survival(x, *args))
        # The bound of the docstring, and the oracle's own rounding.
        self.assertAllClose(gate.mean(), first, rtol=0, atol=2e-14)
        self.assertAllClose(
            gate.variance(), second - first**2, rtol=0, atol=2e-14
        )

    def integral(self, function):
        # 20 panels of 30 nodes; nothing here is shared with the library.
        nodes, weights = np.polynomial.legendre.leggauss(30)
        x = (np.arange(20)[:, np.newaxis] + (nodes + 1) / 2).ravel() / 20
        return function(x) @ np.tile(weights / 40, 20)

    def test_oracle_agrees_with_adaptive_quadrature(self):
        args = (0.5, 2 / 3, -0.1, 1.1)
        expected, _ = integrate.quad(survival, 0, 1, args, epsabs=1e-13)
        oracle = self.integral(lambda x: survival(x, *args))
        self.assertAllClose(oracle, expected, rtol=0, atol=1e-13)

    def test_moments_broadcast_all_parameters(self):
        gate = HardConcrete(
            np.zeros([3, 1, 1]),
            temperature=np.array([0.5, 1.0]),
            stretch_low=np.array([[-0.1], [-0.2], [-0.3], [-0.4]]),
        )
        self.assertEqual(gate.batch_shape, [3, 4, 2])
        for rule in HardConcrete.deterministic_rules:
            self.assertEqual(gate.deterministic_gate(rule).shape, [3, 4, 2])
        self.assertEqual(gate.mean().shape, [3, 4, 2])
        one = HardConcrete(np.zeros([]), 1.0, -0.3)
        self.assertAllClose(gate.mean()[1, 2, 1], one.mean())
        self.assertAllClose(gate.stddev()[1, 2, 1], one.stddev())

    def test_mode_is_the_heavier_atom(self):
        gate = HardConcrete([-1000.0, -0.1, 0.0, 0.1, 1000.0])
        self.assertAllEqual(gate.mode(), [0, 0, 0, 1, 1])


class DeterministicGateTest(DistributionTestCase):
    def test_paper_rule_is_zero_up_to_minus_log_11(self):
        offset = np.array([-1.0, -1e-9, 1e-9, 1.0])
        gate = HardConcrete(offset - LOG_11).deterministic_gate("paper")
        self.assertAllEqual(gate == 0, [True, True, False, False])
        gate = HardConcrete(offset + LOG_11).deterministic_gate("paper")
        self.assertAllEqual(gate == 1, [False, False, True, True])

    @parameterized.parameters(0.3, 2 / 3, 1.5)
    def test_median_rule_is_zero_while_prob_nonzero_is_below_half(self, t):
        logits = np.linspace(-3, 3, 600)
        gate = HardConcrete(logits, temperature=t)
        self.assertAllEqual(
            gate.deterministic_gate("median") == 0, gate.prob_nonzero() <= 0.5
        )
        median = gate.deterministic_gate("median")
        self.assertAllClose(median, gate.quantile(0.5))

    @parameterized.parameters(
        (1.0, [0, 0.310025519, 0.5, 0.689974481, 0.916827304]),
        (2 / 3, [0, 0.231475217, 0.5, 0.768524783, 0.973403006]),
    )
    def test_topk_rule_matches_reference(self, temperature, expected):
        gate = HardConcrete([-3.0, -1.0, 0.0, 1.0, 3.0], temperature)
        gate = gate.deterministic_gate("topk")
        self.assertAllClose(gate, expected, rtol=0, atol=1e-6)
        self.assertEqual(gate[0], 0)

    def test_topk_rule_closes_the_expected_number(self):
        for i in range(5):
            logits = tf.random.stateless_normal([40, 25], seed(i)) * 2 - 1
            gate = HardConcrete(logits)
            z = gate.deterministic_gate("topk").numpy()
            zeros = round(1000 - float(tf.reduce_sum(gate.prob_nonzero())))
            self.assertEqual(np.sum(z == 0), zeros)
            largest_closed = np.max(logits.numpy()[z == 0])
            self.assertLess(largest_closed, np.min(logits.numpy()[z > 0]))

    def test_topk_rule_closes_the_first_of_equals(self):
        gate = HardConcrete(np.full([2, 3], -KAPPA + 1e-6))
        z = gate.deterministic_gate("topk")  # 3 of 6, by probability 1/2.
        self.assertAllEqual(z == 0, [[True] * 3, [False] * 3])

    def test_topk_rule_ranks_by_logits_over_temperature(self):
        gate = HardConcrete([-4.0, -3.0], temperature=[4.0, 0.5])
        # P(z = 0) is 0.0037 + 0.86: one is closed, though -4 is smaller.
        z = gate.deterministic_gate("topk")
        self.assertAllEqual(z == 0, [False, True])

    def test_topk_rule_rounds_a_half_to_even(self):
        for count, zeros in ((1, 0), (3, 2), (5, 2), (7, 4)):
            gate = HardConcrete(
                np.zeros([count]), stretch_low=-2.0, stretch_high=2.0
            )
            self.assertAllEqual(gate.prob(0.0), np.full([count], 0.5))
            z = gate.deterministic_gate("topk")
            self.assertEqual(np.sum(z == 0), zeros)

    def test_topk_rule_counts_beyond_float16(self):
        logits = np.full([5000], -3, "float16")
        gate = HardConcrete(logits)
        z = gate.deterministic_gate("topk")
        # P(z = 0) of 0.8024 is 0.8022 or 0.8027 in float16.
        self.assertNear(np.sum(z == 0), 4012, 3)

    def test_topk_rule_ranks_gates_that_saturate(self):
        # 0.8 * 2 / 0.05 = 32, whose sigmoid is 1 in float32. The sum of
        # P(z = 0) is 18 * 0.089 + 2 * 0.107 = 1.8.
        logits = [2.2] * 18 + [2.0] * 2
        z = HardConcrete(logits, 0.05).deterministic_gate("topk")
        self.assertAllEqual(z, [1] * 18 + [0] * 2)

    def test_topk_rule_counts_all_gates_of_broadcast_parameters(self):
        logits = np.array([[-1.0], [0.5], [-3.0]])
        low = np.array([-0.1, -0.3, -0.5, -0.7])
        gate = HardConcrete(logits, stretch_low=low)
        full = HardConcrete(
            np.tile(logits, 4), stretch_low=np.tile(low, [3, 1])
        )
        self.assertAllEqual(
            gate.deterministic_gate("topk"), full.deterministic_gate("topk")
        )


class ParametersTest(DistributionTestCase):
    @parameterized.parameters(
        (-0.5, -0.1, 1.1, "`temperature` must be positive.*temperature=-0.5"),
        (0, -0.1, 1.1, "`temperature` must be positive.*temperature=0"),
        (np.nan, -0.1, 1.1, "`temperature` must be positive.*temperature=nan"),
        ([1.0, -1.0], -0.1, 1.1, r"must be positive.*\[1.0, -1.0\]"),
        (
            1,
            0.1,
            1.1,
            "below 0 and `stretch_high` above 1, so that the gate "
            "can reach both. Received: stretch_low=0.1, stretch_high=1.1",
        ),
        (1, 0.0, 1.1, "can reach both.*stretch_low=0.0"),
        (1, -0.1, 1.0, "can reach both.*stretch_high=1.0"),
        (1, np.array([-0.1, 0.2]), 1.1, "can reach both"),
    )
    def test_wrong_number_raises(self, temperature, low, high, message):
        with self.assertRaisesRegex(ValueError, message):
            HardConcrete([0.0], temperature, low, high)

    def test_wrong_tensor_raises_if_validated(self):
        HardConcrete([0.0], tf.constant(-1.0))
        with self.assertRaisesRegex(ValueError, "`temperature` must be pos"):
            HardConcrete([0.0], tf.constant(-1.0), validate_args=True)
        with self.assertRaisesRegex(ValueError, "can reach both"):
            HardConcrete(
                [0.0], stretch_low=tf.constant(0.1), validate_args=True
            )

    @parameterized.parameters(
        ((-1.0, -0.1, 1.1), "`temperature` must be positive"),
        ((1.0, 0.1, 1.1), "can reach both"),
    )
    def test_wrong_value_in_graph_raises_if_validated(self, args, message):
        @tf.function(
            input_signature=[tf.TensorSpec([], tf.float32)] * 3,
            autograph=False,
        )
        def mean(temperature, low, high):
            gate = HardConcrete([0.0], temperature, low, high, True)
            return gate.mean()

        self.assertAllClose(mean(1.0, -0.1, 1.1), [0.5])
        with self.assertRaisesRegex(tf.errors.InvalidArgumentError, message):
            mean(*args)

    def test_variable_is_checked_when_used(self):
        temperature = tf.Variable(1.0)
        gate = HardConcrete([0.0], temperature, validate_args=True)
        gate.prob_nonzero()
        temperature.assign(-1.0)
        for method in (gate.prob_nonzero, gate.deterministic_gate, gate.mean):
            with self.assertRaisesRegex(ValueError, "`temperature` must be"):
                method()

    def test_annealed_temperature_is_followed(self):
        temperature = tf.Variable(2 / 3)
        gate = HardConcrete([-1.0], temperature)
        before = gate.prob_nonzero()
        temperature.assign(0.1)
        self.assertNotAllClose(gate.prob_nonzero(), before)
        self.assertAllClose(
            gate.prob_nonzero(), HardConcrete([-1.0], 0.1).prob_nonzero()
        )

    def test_parameters_are_public(self):
        gate = HardConcrete([1.0], 0.5, -0.2, 1.3)
        self.assertAllClose(gate.logits, [1.0])
        self.assertAllClose(gate.temperature, 0.5)
        self.assertAllClose(gate.stretch_low, -0.2)
        self.assertAllClose(gate.stretch_high, 1.3)
        self.assertEqual(
            {*HardConcrete.parameter_properties()},
            {"logits", "temperature", "stretch_low", "stretch_high"},
        )
        other = gate.copy(temperature=0.25)
        self.assertAllClose(other.temperature, 0.25)
        self.assertAllClose(other.stretch_high, 1.3)

    def test_constraining_bijectors_lead_into_the_range(self):
        properties = HardConcrete.parameter_properties(tf.float32)
        x = np.array([-50.0, 0.0, 50.0], "float32")
        constrained = {
            name: prop.default_constraining_bijector_fn().forward(x)
            for name, prop in properties.items()
        }
        HardConcrete(**constrained, validate_args=True)


if __name__ == "__main__":
    absltest.main()
