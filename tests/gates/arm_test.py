"""Tests of ARM: gates, chain rule to the logits, schedule, start."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import distributions
from keras_l0.gates import ARM
from tests import test_util

PROBS = np.array([0.574442517, 0.310025519, 0.768524783])
# With k = 7 the logits are those of the example, divided by 7.
LOGITS = np.array([0.3, -0.8, 1.2]) / 7
GRADIENT = np.array([0.798090484, 2.044177224, 0.381674069])
# Variances by the log-odds; 7 ** 2 times as large by the logits.
VARIANCES = {
    "arm": np.array([0.264013, 0.156407, 0.292364]),
    "ar": np.array([1.254737, 1.435763, 1.280046]),
}


def three_gate_loss(z):
    """(z0 - 2 z1 + z2 / 2 - 0.3)^2 + 0.7 z0 z2 of gates `[..., 3]`."""
    linear = z @ np.array([1, -2, 0.5]) - 0.3
    return linear**2 + 0.7 * z[..., 0] * z[..., 2]


def expected_loss(probs):
    """The mean of the loss, over all 8 states of the gates."""
    states = np.array(list(itertools.product([0, 1], repeat=3)))
    weights = np.prod(np.where(states == 1, probs, 1 - probs), axis=-1)
    return weights @ three_gate_loss(states)


def slopes(function, x, step=1e-5):
    """Central differences of a function of a vector."""
    steps = step * np.eye(len(x))
    return np.array(
        [(function(x + s) - function(x - s)) / (2 * step) for s in steps]
    )


def sigmoid_probs(logits):
    return 1 / (1 + np.exp(-7 * logits))


def hard_sigmoid_probs(logits):
    return np.clip(logits + 0.5, 0, 1)


def estimate_all(gate, probs, logits, uniforms):
    """`logits_gradient` of a batch, whose loss is a mean, and both losses."""
    loss, other = (
        three_gate_loss(np.float64(v > 1 - probs)) / len(uniforms)
        for v in (uniforms, 1 - uniforms)
    )
    return gate.logits_gradient(
        tf.constant(logits, tf.float32),
        tf.constant(uniforms, tf.float32),
        tf.constant(loss, tf.float32),
        tf.constant(other, tf.float32) if gate.antithetic else None,
    )


class ARMGradientTest(test_util.TestCase):
    def uniforms(self, n):
        return np.random.default_rng(test_util.test_seed()).uniform(size=(n, 3))

    def test_oracle_is_the_reference_s(self):
        self.assertAllClose(expected_loss(PROBS), 1.455096147, rtol=1e-8)
        found = slopes(lambda x: expected_loss(sigmoid_probs(x)), LOGITS)
        # Truncated by 7 ** 3 * 1e-10 / 6.
        self.assertAllClose(found, GRADIENT, rtol=0, atol=2e-8)

    @parameterized.parameters("arm", "ar", "disarm")
    def test_mean_is_the_gradient(self, estimator):
        n = 40_000
        gate = ARM(estimator=estimator)
        mean = estimate_all(gate, PROBS, LOGITS, self.uniforms(n))
        # DisARM varies less than ARM. 4 standard errors are exceeded with
        # probability 6.3e-5 by each gate: 5.7e-4 for all three estimators.
        variance = VARIANCES.get(estimator, VARIANCES["arm"])
        error = 7 * np.sqrt(variance / n)
        self.assertAllLess(np.abs(mean - GRADIENT) / error, 4)

    @parameterized.parameters("arm", "ar", "disarm")
    def test_hard_sigmoid_has_the_exact_chain_rule(self, estimator):
        logits = np.array([0.07, -0.19, 0.27])
        probs = hard_sigmoid_probs(logits)
        # Linear in each logit: a central difference is exact.
        exact = slopes(lambda x: expected_loss(hard_sigmoid_probs(x)), logits)
        gate = ARM(activation="hard_sigmoid", estimator=estimator)
        means = [
            estimate_all(gate, probs, logits, uniforms)
            for uniforms in np.split(self.uniforms(40_000), 100)
        ]
        # With an error estimated from 100 means, 4 of them are exceeded with
        # probability 1.2e-4 by each gate: 1.1e-3 for all three estimators.
        self.assert_mean_close(means, exact)

    def test_hard_sigmoid_sample(self):
        # (f' - f) (u - 1/2) k / 7 / (p (1 - p)) at u = [0.2, 0.9, 0.6].
        gate = ARM(k=3.5, activation="hard_sigmoid", estimator="arm")
        found = gate.logits_gradient(
            tf.constant([0.2, -0.4, 0.6]),
            tf.constant([0.8, 0.1, 0.4]),
            tf.constant(2.0),
            tf.constant(3.0),
        )
        variance = np.array([0.6 * 0.4, 0.3 * 0.7, 0.8 * 0.2])
        expected = np.array([-0.3, 0.4, 0.1]) * 0.5 / variance
        self.assertAllClose(found, expected, rtol=1e-6)

    @parameterized.parameters("arm", "ar", "disarm")
    def test_saturated_hard_sigmoid_has_no_gradient(self, estimator):
        gate = ARM(activation="hard_sigmoid", estimator=estimator)
        found = gate.logits_gradient(
            tf.constant([-0.7, 0.9]),
            tf.constant([0.3, 0.6]),
            tf.constant(2.0),
            tf.constant(3.0),
        )
        self.assertAllEqual(found, [0, 0])

    @parameterized.parameters(
        ("arm", [-0.33, 0.44, 0.11]),
        ("ar", [1.284, -1.712, -0.428]),
        ("disarm", [-0.315943384, 0.379485965, 0.0]),
    )
    def test_sample_and_the_scale_k(self, estimator, expected):
        # u = [0.2, 0.9, 0.6] of the reference; its losses.
        for k in (1.0, 7.0):
            found = ARM(k=k, estimator=estimator).logits_gradient(
                tf.constant(7 * LOGITS / k, tf.float32),
                tf.constant([0.8, 0.1, 0.4]),
                tf.constant(2.14),
                tf.constant(3.24),
            )
            # The difference of two float32 near 3 is off by 2e-7.
            self.assertAllClose(found / k, expected, rtol=1e-6, atol=2e-7)

    def test_one_draw_per_example(self):
        gate = ARM(k=1.0, estimator="arm")
        logits, uniforms = tf.zeros(2), tf.constant([[0.25, 1.0], [0.5, 0.0]])
        shares = tf.constant([1.0, 2.0]), tf.constant([3.0, 8.0])
        # (2 (1/4) + 6 (0), 2 (-1/2) + 6 (1/2))
        self.assertAllEqual(
            gate.logits_gradient(logits, uniforms, *shares), [0.5, 2.0]
        )
        # One loss that all examples share: 5 (1/4 + 0), 5 (-1/2 + 1/2).
        single = tf.constant(1.0), tf.constant(6.0)
        self.assertAllEqual(
            gate.logits_gradient(logits, uniforms, *single), [1.25, 0.0]
        )

    def test_as_many_gates_as_examples(self):
        # A share belongs to a row, not to a column.
        found = ARM(k=1.0, estimator="ar").logits_gradient(
            tf.zeros(2), tf.ones([2, 2]), tf.constant([1.0, 4.0]), None
        )
        self.assertAllEqual(found, [5, 5])


class ARMTest(test_util.TestCase):
    @parameterized.parameters(
        ("sigmoid", PROBS),
        ("hard_sigmoid", [0.542857143, 0.385714286, 0.671428571]),
    )
    def test_probability(self, activation, probs):
        gate = ARM(activation=activation)
        logits = tf.constant(LOGITS, tf.float32)
        self.assertIsInstance(
            gate.distribution(logits), distributions.BernoulliGate
        )
        self.assertAllClose(gate.prob_nonzero(logits), probs)
        self.assertAllClose(
            gate.prob_nonzero(-logits), 1 - np.array(probs), rtol=1e-6
        )

    def test_sample_is_binary_and_its_antithesis(self):
        gate, logits = ARM(k=1.0), tf.constant([0.3, -0.8, 1.2])
        uniforms = tf.constant([0.8, 0.1, 0.4])
        self.assertAllEqual(gate.sample(logits, uniforms), [1, 0, 1])
        self.assertAllEqual(gate.sample(logits, 1 - uniforms), [0, 1, 1])

    @parameterized.parameters(
        ("continuous", [0, 0.5, 0.880797078]), ("binary", [0, 0, 1])
    )
    def test_inference_rule(self, rule, expected):
        gate = ARM(k=2.0, inference=rule)
        found = gate.deterministic_gate(tf.constant([-0.1, 0.0, 1.0]))
        self.assertAllClose(found, expected, rtol=1e-6)
        self.assertEqual(float(found[0]), 0)

    def test_what_the_training_step_must_know(self):
        self.assertTrue(ARM.needs_model)
        self.assertTrue(ARM.estimates_gradient)
        self.assertTrue(ARM().stochastic)
        self.assertTrue(ARM(estimator="arm").antithetic)
        self.assertTrue(ARM(estimator="disarm").antithetic)
        self.assertFalse(ARM(estimator="ar").antithetic)

    @parameterized.parameters(
        ({"drop_rate": 0.5}, 0.0),
        ({"drop_rate": 0.2}, 0.198042052),
        ({"drop_rate": 0.01}, 0.656445693),
        ({"drop_rate": 0.2, "initial_k": 14.0}, 0.099021026),
        ({"drop_rate": 0.2, "activation": "hard_sigmoid"}, 0.3),
        ({"drop_rate": 0.2, "activation": "hard_sigmoid", "k": 3.5}, 0.6),
    )
    def test_logits_start_at_the_drop_rate(self, arguments, mean):
        gate = ARM(**arguments)
        logits = np.array(gate.logits_initializer()((2000,), "float32"))
        self.assert_mean_close(logits, mean)
        k = gate.initial_k or gate.k
        # Relative error of a standard deviation 1 / sqrt(2 n); 5 of them
        # are exceeded with probability 6e-7.
        self.assertAllClose(logits.std(), 0.01 / k, rtol=5 / np.sqrt(4000))

    def test_start_takes_the_first_k_of_a_schedule(self):
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [10], [14.0, 2.0]
        )
        logits = ARM(schedule, drop_rate=0.2).logits_initializer()((2000,))
        self.assert_mean_close(np.array(logits), 0.099021026)

    def test_logits_are_not_clamped(self):
        self.assertIsNone(ARM().logits_constraint())

    @parameterized.parameters(
        ({"k": 0}, ValueError, "`k` must be positive. Received: k=0"),
        ({"k": np.nan}, ValueError, "`k` must be finite. Received: k=nan"),
        ({"k": "7"}, TypeError, "`k` must be a number. Received: k='7'"),
        ({"activation": "tanh"}, ValueError, "Unknown `activation`.*'tanh'"),
        ({"estimator": "vimco"}, ValueError, "Unknown `estimator`.*'vimco'"),
        ({"inference": "mean"}, ValueError, "Unknown `inference`.*'mean'"),
        ({"drop_rate": 1}, ValueError, "`drop_rate` must lie strictly .*=1"),
        ({"initial_k": 0}, ValueError, "`initial_k` must be positive.*=0"),
        ({"initial_k": True}, TypeError, "`initial_k` must be a number.*True"),
    )
    def test_argument_out_of_range(self, arguments, error, words):
        with self.assertRaisesRegex(error, words):
            ARM(**arguments)


class ThreePhaseTest(test_util.TestCase):
    @parameterized.parameters(
        (0, 5000), (100, 5000), (101, 6), (350, 6), (351, 5000), (9999, 5000)
    )
    def test_k_of_each_phase(self, step, k):
        gate = ARM.three_phase(100, 350, k=6)
        self.assertEqual(float(gate.k(step)), k)

    def test_frozen_gates_are_certain_and_get_no_gradient(self):
        gate = ARM.three_phase(10, 20)
        gate = gate.at({"k": gate.k(0)})
        logits = tf.constant([-0.05, 0.05])  # sigmoid(-250) is 0 in float32.
        self.assertAllEqual(gate.prob_nonzero(logits), [0, 1])
        uniforms = tf.constant([[0.001, 0.999], [0.999, 0.001]])
        self.assertAllEqual(gate.sample(logits, uniforms), [[0, 1], [0, 1]])
        found = gate.logits_gradient(
            logits, uniforms[0], tf.constant(1.0), tf.constant(9.0)
        )
        self.assertAllEqual(found, [0, 0])

    def test_starts_at_three_over_k(self):
        gate = ARM.three_phase(10, 20, k=7.0)
        logits = np.array(gate.logits_initializer()((2000,)))
        self.assert_mean_close(logits, 3 / 7)
        self.assertEqual(gate.inference, "binary")

    def test_arguments_are_the_class_s(self):
        gate = ARM.three_phase(1, 2, drop_rate=0.3, inference="continuous")
        self.assertEqual(gate.drop_rate, 0.3)
        self.assertEqual(gate.inference, "continuous")
        self.assertEqual(ARM.three_phase(1, 2, estimator="ar").estimator, "ar")

    @parameterized.parameters((0, 5), (5, 5), (6, 5), (-1, 5))
    def test_phases_must_follow(self, first, second):
        with self.assertRaisesRegex(
            ValueError,
            "The phases must follow one another. Received: "
            f"prune_from={first}, finetune_from={second}",
        ):
            ARM.three_phase(first, second)


if __name__ == "__main__":
    absltest.main()
