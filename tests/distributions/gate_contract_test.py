"""The contract of keras_l0/distributions/README.md, clause by clause."""

import inspect
import pathlib
import re

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from scipy import integrate

from keras_l0 import distributions
from tests.distributions import gate_contract
from tests.distributions.distribution_test_case import DistributionTestCase
from tests.distributions.distribution_test_case import seed
from tests.distributions.distribution_test_case import value_and_gradient

LOGITS = np.array([-3.0, -0.7, 0.0, 0.4, 2.0], "float32")
EXTREMES = np.array([-1000, -100, -60, 0, 60, 100, 1000], "float32")


def rows(table=gate_contract.ROWS, **wanted):
    """Decorator: one test for each row of `table` that has `wanted`."""
    return parameterized.named_parameters(
        (row.name, row)
        for row in table
        if all(getattr(row, k) == v for k, v in wanted.items())
    )


def values(row):
    """Values at the ends of the range and between them, as a column."""
    if not row.density:
        return np.array(row.atoms, "float32")[:, np.newaxis]
    inside = row.low + (row.high - row.low) * np.array([0.1, 0.35, 0.8])
    return np.array([*row.atoms, *inside], "float32")[:, np.newaxis]


def statistics(row):
    """Every method that draws nothing, by name, as a function of the gates."""
    x = values(row)
    p = np.array([[0.1], [0.5], [0.9]], "float32")
    methods = {
        "prob": lambda gate: gate.prob(tf.cast(x, gate.dtype)),
        "log_prob": lambda gate: gate.log_prob(tf.cast(x, gate.dtype)),
        "cdf": lambda gate: gate.cdf(tf.cast(x, gate.dtype)),
        "survival": lambda gate: gate.survival_function(tf.cast(x, gate.dtype)),
        "log_cdf": lambda gate: gate.log_cdf(tf.cast(x[:-1], gate.dtype)),
        "quantile": lambda gate: gate.quantile(tf.cast(p, gate.dtype)),
    }
    if row.moments:
        methods["mean"] = lambda gate: gate.mean()
        methods["variance"] = lambda gate: gate.variance()
        methods["stddev"] = lambda gate: gate.stddev()
    if row.is_gate:
        methods["prob_nonzero"] = lambda gate: gate.prob_nonzero()
        for rule in row.cls.deterministic_rules:
            methods[rule] = lambda gate, rule=rule: gate.deterministic_gate(
                rule
            )
    return methods


class GateContractTest(DistributionTestCase):
    @rows()
    def test_01_events_are_scalar_and_float32(self, row):
        gate = row.make([0.0, 1.0])
        self.assertEqual(gate.dtype, tf.float32)
        self.assertEqual(gate.event_shape, [])
        self.assertAllEqual(gate.event_shape_tensor(), [])
        self.assertEqual(gate.batch_shape, [2])
        self.assertAllEqual(gate.batch_shape_tensor(), [2])

    @rows(random=True)
    def test_02_variable_is_read_in_every_call(self, row):
        logits = tf.Variable(LOGITS)
        gate = row.make(logits)
        before = gate.cdf(0.5)
        logits.assign_add(tf.ones_like(logits))
        self.assertAllLess(gate.cdf(0.5) - before, 0.0)
        with tf.GradientTape() as tape:
            cdf = gate.cdf(0.5)
        self.assertAllLess(tape.gradient(cdf, logits), 0.0)

    @rows()
    def test_03_samples_stay_in_range(self, row):
        for logits in (LOGITS, EXTREMES):
            z = row.make(logits).sample(1000, seed=seed())
            self.assertAllInRange(z, row.low, row.high)

    @rows(gate_contract.GATES)
    def test_04_atoms_are_exact_and_as_frequent_as_prob(self, row):
        gate = row.make(LOGITS)
        z = gate.sample(20_000, seed=seed()).numpy()
        for atom in row.atoms:
            # 5 entries, 6.3e-5 each: false alarm below 4e-4.
            hits = (z == np.float32(atom)).astype("float64")
            self.assert_mean_close(hits, gate.prob(atom))
        if row.density:
            inside = z[~np.isin(z, np.array(row.atoms, "float32"))]
            self.assertGreater(len(np.unique(inside)), 0.99 * len(inside))
        else:
            self.assertAllInSet(z, row.atoms)

    @rows()
    def test_05_seed_determines_the_sample(self, row):
        draw = lambda seed: row.make(LOGITS).sample(100, seed=seed)
        first = draw(seed(0))
        self.assertAllEqual(draw(seed(0)), first)
        in_graph = tf.function(draw, autograph=False)
        # A graph may divide by multiplying with the reciprocal: some ulps.
        self.assertAllClose(in_graph(seed(0)), first, rtol=0, atol=1e-6)
        if row.random:
            self.assertNotAllEqual(draw(seed(1)), first)
        self.assert_draws_nothing(lambda: draw(seed(0)))

    @rows()
    def test_06_gates_are_drawn_independently(self, row):
        z = row.make(np.zeros([2], "float32")).sample(20_000, seed=seed())
        z -= tf.reduce_mean(z, 0)
        # Two means, 6.3e-5 each: across the batch, and from draw to draw.
        self.assert_mean_close(z[:, 0] * z[:, 1], 0.0)
        self.assert_mean_close(z[1:, 0] * z[:-1, 0], 0.0)

    @rows()
    def test_07_shapes_broadcast(self, row):
        gate = row.make(np.zeros([4, 3], "float32"))
        self.assertEqual(gate.sample(seed=seed()).shape, [4, 3])
        self.assertEqual(gate.sample([2, 5], seed=seed()).shape, [2, 5, 4, 3])
        self.assertEqual(gate.log_prob(0.5).shape, [4, 3])
        self.assertEqual(gate.cdf(tf.zeros([2, 1, 3])).shape, [2, 4, 3])
        self.assertEqual(
            gate.quantile(tf.fill([7, 1, 1], 0.5)).shape, [7, 4, 3]
        )
        for name, method in statistics(row).items():
            self.assertEqual(method(gate[:, 0]).shape[-1:], [4], name)

    @rows()
    def test_08_unknown_batch_size_is_allowed(self, row):
        @tf.function(
            input_signature=[tf.TensorSpec([None], tf.float32)],
            autograph=False,
        )
        def all_methods(logits):
            gate = row.make(logits)
            return gate.sample(3, seed=seed()), [
                method(gate) for method in statistics(row).values()
            ]

        z, results = all_methods(LOGITS)
        self.assertEqual(z.shape, [3, 5])
        for result, method in zip(
            results, statistics(row).values(), strict=True
        ):
            self.assertAllClose(result, method(row.make(LOGITS)))

    @rows(density=True)
    def test_09_atoms_and_density_make_one(self, row):
        for logit in (-3.0, 0.0, 2.0):
            gate = row.make(tf.constant(logit, tf.float64))
            total = sum(gate.prob(atom).numpy() for atom in row.atoms)
            total += self.integral(gate.prob, row.low, row.high)
            self.assertAllClose(total, 1.0, rtol=0, atol=1e-7)

    @rows(density=True)
    def test_10_cdf_is_the_integral_of_prob(self, row):
        for logit in (-3.0, 0.0, 2.0):
            gate = row.make(tf.constant(logit, tf.float64))
            for end in (0.2, 0.9):
                cdf = self.integral(gate.prob, row.low, end)
                cdf += sum(gate.prob(a).numpy() for a in row.atoms if a <= end)
                self.assertAllClose(gate.cdf(end), cdf, rtol=0, atol=1e-7)

    @rows()
    def test_11_functions_of_one_distribution_agree(self, row):
        gate, x = row.make(LOGITS.astype("float64")), values(row)
        cdf = gate.cdf(x)
        rounding = {"rtol": 1e-12, "atol": 1e-12}
        self.assertAllClose(gate.survival_function(x), 1 - cdf, **rounding)
        self.assertAllClose(gate.log_cdf(x), np.log(cdf), **rounding)
        self.assertAllClose(gate.log_prob(x), np.log(gate.prob(x)), **rounding)
        inside = x[len(row.atoms) :]
        self.assertAllClose(
            gate.log_survival_function(inside),
            np.log(gate.survival_function(inside)),
            **rounding,
        )

    @rows(density=True)
    def test_12_quantile_inverts_cdf(self, row):
        gate = row.make(LOGITS.astype("float64"))
        inside = values(row)[len(row.atoms) :].astype("float64")
        inside = np.broadcast_to(inside, [3, 5])
        self.assertAllClose(
            gate.quantile(gate.cdf(inside)), inside, rtol=0, atol=1e-9
        )
        self.assertAllEqual(gate.quantile(0.0), np.full(5, row.low))
        self.assertAllEqual(gate.quantile(1.0), np.full(5, row.high))

    @rows()
    def test_13_nothing_lies_outside(self, row):
        outside = [-np.inf, row.low - 0.5, row.high + 0.5, np.inf]
        outside = np.array(outside, "float32")[:, np.newaxis]
        gate = row.make(LOGITS)
        ends = np.repeat([[0.0], [0.0], [1.0], [1.0]], 5, axis=1)
        log_ends = np.where(ends == 0, -np.inf, 0.0)
        self.assertAllEqual(gate.prob(outside), np.zeros([4, 5]))
        self.assertAllEqual(gate.log_prob(outside), np.full([4, 5], -np.inf))
        self.assertAllEqual(gate.cdf(outside), ends)
        self.assertAllEqual(gate.survival_function(outside), 1 - ends)
        self.assertAllEqual(gate.log_cdf(outside), log_ends)
        self.assertAllEqual(gate.log_survival_function(outside), log_ends[::-1])
        for method in ("prob", "log_prob", "cdf", "log_cdf") * row.random:
            _, gradient = value_and_gradient(
                lambda x, m=method: getattr(row.make(x), m)(outside), LOGITS
            )
            self.assertAllEqual(gradient, np.zeros(5), method)
        self.assertAllEqual(np.isnan(gate.log_prob(np.nan)), np.ones(5))

    @rows(moments=True)
    def test_14_moments_are_those_of_the_samples(self, row):
        gate = row.make(LOGITS)
        z = gate.sample(50_000, seed=seed())
        # Two tests of 5 entries, 6.3e-5 each: false alarm below 7e-4.
        self.assert_mean_close(z, gate.mean())
        self.assert_mean_close((z - gate.mean()) ** 2, gate.variance())
        self.assertAllClose(gate.stddev() ** 2, gate.variance())

    @rows(gate_contract.GATES)
    def test_15_prob_nonzero_complements_the_atom_at_zero(self, row):
        gate = row.make(LOGITS)
        self.assertAllClose(gate.prob_nonzero(), 1 - gate.prob(0.0))
        self.assertAllGreaterEqual(np.diff(gate.prob_nonzero()), 0.0)
        if row.random:
            self.assertAllGreater(np.diff(gate.prob_nonzero()), 0.0)
        self.assert_draws_nothing(gate.prob_nonzero)

    @rows(gate_contract.GATES)
    def test_16_deterministic_gate_draws_nothing(self, row):
        gate = row.make(LOGITS)
        for rule in row.cls.deterministic_rules:
            z = gate.deterministic_gate(rule)
            self.assertAllInRange(z, row.low, row.high)
            self.assertAllGreaterEqual(np.diff(z), 0.0)
            self.assertAllEqual(gate.deterministic_gate(rule), z)
            self.assert_draws_nothing(
                lambda rule=rule: gate.deterministic_gate(rule)
            )
        self.assertAllEqual(row.make(-1e3).deterministic_gate(), 0.0)
        self.assertAllEqual(
            gate.deterministic_gate(),
            gate.deterministic_gate(row.cls.deterministic_rules[0]),
        )

    @rows(gate_contract.GATES)
    def test_17_unknown_rule_names_the_choices(self, row):
        first = row.cls.deterministic_rules[0]
        with self.assertRaisesRegex(
            ValueError,
            rf"Unknown `rule`. Expected one of \('{first}'.*rule='mean'",
        ):
            row.make(LOGITS).deterministic_gate("mean")

    @rows(pathwise=True)
    def test_18_sample_gradient_is_the_derivative_at_fixed_noise(self, row):
        logits, step = LOGITS.astype("float64"), 1e-7
        draw = lambda logits: row.make(logits).sample(200, seed=seed())
        z, gradient = value_and_gradient(draw, logits)
        difference = draw(logits + step) - draw(logits - step)
        # Rounding: 200 draws * 1e-16 / 2e-7. One of the 1000 draws lies within
        # a step of a kink, which would spoil it, with probability 2e-4.
        self.assertAllClose(
            gradient,
            tf.reduce_sum(difference, 0) / (2 * step),
            rtol=1e-6,
            atol=1e-6,
        )
        self.assertTrue(np.any(gradient > 0))
        for atom in row.atoms:
            _, gradient = value_and_gradient(
                lambda x, atom=atom: draw(x)[z == atom], logits
            )
            self.assertAllEqual(gradient, np.zeros(5))

    @rows()
    def test_19_larger_logits_never_make_a_smaller_sample(self, row):
        small = row.make(LOGITS).sample(200, seed=seed())
        large = row.make(LOGITS + 0.5).sample(200, seed=seed())
        self.assertAllGreaterEqual(large - small, 0.0)

    @rows()
    def test_20_extreme_logits_stay_finite(self, row):
        methods = statistics(row)
        methods["sample"] = lambda gate: gate.sample(100, seed=seed())
        if not row.random:  # What is impossible has the logarithm -inf.
            del methods["log_prob"], methods["log_cdf"]
        for name, method in methods.items():
            value, gradient = value_and_gradient(
                lambda x, m=method: m(row.make(x)), EXTREMES
            )
            self.assertAllInRange(value, -1e7, 1e7, name)
            steps = () if row.pathwise else ("sample", "quantile", "binary")
            if row.random and name not in steps:
                self.assertAllInRange(gradient, -1e7, 1e7, name)

    @rows()
    def test_21_results_have_the_dtype_of_the_logits(self, row):
        for dtype in (tf.float16, tf.float32, tf.float64):
            gate = row.make(tf.cast(LOGITS, dtype))
            self.assertEqual(gate.sample(2, seed=seed()).dtype, dtype)
            for name, method in statistics(row).items():
                result = method(gate)
                self.assertEqual(result.dtype, dtype, name)
                self.assertAllClose(
                    result, method(row.make(LOGITS)), rtol=0.02, atol=0.02
                )

    @rows()
    def test_22_xla_compiles_to_the_same_function(self, row):
        @tf.function(jit_compile=True, autograph=False)
        def all_methods(logits):
            gate = row.make(logits)
            results = [method(gate) for method in statistics(row).values()]
            return gate.sample(20_000, seed=seed()), results

        z, results = all_methods(LOGITS)
        for result, (name, method) in zip(
            results, statistics(row).items(), strict=True
        ):
            # float32 to some ulps: XLA has its own exp and log.
            self.assertAllClose(
                result, method(row.make(LOGITS)), rtol=1e-5, atol=1e-5, msg=name
            )
        # XLA draws other numbers from a seed, of the same distribution.
        # 5 entries per test, at most two tests: false alarm below 7e-4.
        if row.moments:
            self.assert_mean_close(z, row.make(LOGITS).mean())
        if row.is_gate:
            nonzero = tf.cast(z != 0, tf.float64)
            self.assert_mean_close(nonzero, row.make(LOGITS).prob_nonzero())

    @rows()
    def test_23_validate_args_refuses_values_out_of_range(self, row):
        gate = row.make(LOGITS, validate_args=True)
        gate.prob(gate.sample(100, seed=seed()))
        for value in (row.low - 0.5, row.high + 0.5):
            for method in (gate.log_prob, gate.prob, gate.cdf):
                with self.assertRaisesRegex(
                    tf.errors.InvalidArgumentError, "`value` must be between"
                ):
                    method(value)

    @rows()
    def test_24_copies_and_slices_are_of_the_same_class(self, row):
        gate = row.make(LOGITS)
        for other, expected in (
            (gate.copy(), gate.cdf(0.5)),
            (gate[1:3], gate.cdf(0.5)[1:3]),
        ):
            self.assertIs(type(other), row.cls)
            self.assertAllEqual(other.cdf(0.5), expected)

    def integral(self, prob, low, high):
        """Integral over the open interval; the density may be unbounded."""
        result = integrate.tanhsinh(lambda x: prob(x).numpy(), low, high)
        self.assertTrue(result.success)
        return result.integral

    def assert_draws_nothing(self, function):
        """The global generators are where they would be without the call."""
        tf.random.set_seed(1)
        expected = tf.random.normal([3])
        tf.random.set_seed(1)
        function()
        self.assertAllEqual(tf.random.normal([3]), expected)


class CoverageTest(DistributionTestCase):
    def test_every_public_distribution_has_a_row(self):
        covered = {row.cls.__name__ for row in gate_contract.ROWS}
        interfaces = {"GateDistribution"}
        self.assertEqual(covered, {*distributions.__all__} - interfaces)

    def test_every_clause_of_the_readme_names_its_test(self):
        package = pathlib.Path(distributions.__file__).parent
        readme = package / "README.md"
        if not readme.exists():
            self.skipTest("Installed without its README.")
        named = re.findall(r"`(test_\d\d_\w+)`", readme.read_text("utf-8"))
        tests = re.findall(
            r"def (test_\d\d_\w+)", inspect.getsource(GateContractTest)
        )
        self.assertCountEqual(named, tests)


if __name__ == "__main__":
    absltest.main()
