"""Tests of DiffPrune: transforms, slopes, surrogates, start, arguments."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.gates import DiffPrune
from tests import test_util

LOG_11 = 2.397895273
# transform, scale, logits, gates; a value next to 0 is 0 exactly.
VALUES = (
    ("tanh", 0.5, [0.05, 0.2, 1], [0.099667995, 0.379948962, 0.964027580]),
    ("rational", 0.1, [0.05, 0.2, 1], [1 / 3, 2 / 3, 0.909090909]),
    (
        "clipped_sigmoid",
        0.5,
        [-1, -0.3, 0.3, 1, 1.2, 2],
        [0.043043506, 0.325212433, 0.674787567, 0.956956494, 1, 1],
    ),
    ("clip", 2.0, [0.5, 1.5, 2, 7], [0.25, 0.75, 1, 1]),
)
# Up to where each transform is 0 at scale 0.5.
ZEROS = (
    ("tanh", [-9.0, -0.2, -1e-6, 0.0]),
    ("rational", [-9.0, -0.2, -1e-6, 0.0]),
    ("clipped_sigmoid", [-9.0, -1.2, -1.19895]),
    ("clip", [-9.0, -0.2, -1e-6, 0.0]),
)


def slopes(gate, logits):
    """Derivatives of the training gates by their logits."""
    logits = tf.constant(logits, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        gates = gate.sample(logits, tf.fill(logits.shape, 0.5))
    return tape.gradient(gates, logits)


class TransformTest(test_util.TestCase):
    @parameterized.parameters(*VALUES)
    def test_values(self, transform, scale, logits, expected):
        gate = DiffPrune(transform, scale)
        found = gate.deterministic_gate(tf.constant(logits, tf.float32))
        # The values are near 1 before 0.1 is taken off: 2e-7 of them.
        self.assertAllClose(found, expected, rtol=1e-6, atol=3e-7)

    @parameterized.parameters(*ZEROS)
    def test_exact_zeros(self, transform, logits):
        gate, logits = DiffPrune(transform), tf.constant(logits)
        zeros = np.zeros(len(logits))
        self.assertAllEqual(gate.deterministic_gate(logits), zeros)
        self.assertAllEqual(gate.sample(logits, None), zeros)
        self.assertAllEqual(gate.prob_nonzero(logits), zeros)

    def test_stretched_sigmoid_leaves_zero_below_tanh_s(self):
        gate = DiffPrune("clipped_sigmoid")
        found = gate.deterministic_gate(tf.constant([-1.19890, -1.19895]))
        self.assertGreater(found[0], 0)
        self.assertEqual(float(found[1]), 0)

    @parameterized.parameters("tanh", "rational", "clipped_sigmoid", "clip")
    def test_training_and_inference_agree_below_one(self, transform):
        gate = DiffPrune(transform, leak=0.3)
        logits = tf.constant(np.linspace(-3, 0.49, 500), tf.float32)
        found = gate.deterministic_gate(logits)
        self.assertAllEqual(gate.sample(logits, None), found)
        self.assertAllEqual(gate.distribution(logits).mean(), found)
        self.assertAllLess(found, 1)
        self.assertTrue(np.all(np.diff(found) >= 0))

    def test_training_and_inference_agree_at_one(self):
        gate = DiffPrune("clip", leak=0.3)
        logits = tf.constant(np.linspace(1.5, 5, 500), tf.float32)
        self.assertAllEqual(gate.deterministic_gate(logits), np.ones(500))
        self.assertAllEqual(gate.sample(logits, None), np.ones(500))

    @parameterized.parameters("clipped_sigmoid", "clip")
    def test_gates_reach_one(self, transform):
        gate = DiffPrune(transform, leak=0.3)
        logits = tf.constant(np.linspace(1.5, 5, 500), tf.float32)
        self.assertAllEqual(gate.deterministic_gate(logits), np.ones(500))
        # Sums below 4: each rounding is 1.2e-7 at most, one on either side.
        self.assertAllClose(
            gate.sample(logits, None), np.ones(500), rtol=0, atol=2.4e-7
        )

    @parameterized.parameters(
        ("tanh", 0.5, 0.2, 1.711277572),
        ("rational", 0.1, 0.2, 1.111111111),
        # 1.2 s (1 - s) / 0.5 with s = sigmoid(0.6).
        ("clipped_sigmoid", 0.5, 0.3, 0.549082176),
        ("clip", 0.5, 0.2, 2.0),
    )
    def test_slope(self, transform, scale, logit, expected):
        found = slopes(DiffPrune(transform, scale), [logit])
        self.assertAllClose(found, [expected], rtol=2e-6)

    @parameterized.parameters(
        # The slope that is leaked at -2, and above 1 at 3; y = -4 and 6.
        ("tanh", -2.0, 2 * (1 - np.tanh(4.0) ** 2)),
        ("rational", -2.0, 2 / 25),
        ("clipped_sigmoid", -2.0, 2 * 0.3 / np.cosh(2.0) ** 2),
        ("clipped_sigmoid", 3.0, 2 * 0.3 / np.cosh(3.0) ** 2),
        ("clip", -2.0, 2.0),
        ("clip", 3.0, 2.0),
    )
    def test_leak(self, transform, logit, slope):
        # 1 - tanh(4)^2 = 1.3e-3 is off by two units of 6e-8 near 1.
        for leak in (0.1, 0.4):
            found = slopes(DiffPrune(transform, leak=leak), [logit])
            self.assertAllClose(found, [leak * slope], rtol=2e-4)
        found = slopes(DiffPrune(transform, leak=0), [logit])
        self.assertAllEqual(found, [0])

    @parameterized.parameters("tanh", "rational", "clipped_sigmoid", "clip")
    def test_slopes_are_finite_far_away(self, transform):
        found = slopes(DiffPrune(transform), [-1e4, -100, 100, 1e4])
        self.assertAllInRange(found, 0, 2)


class SurrogateTest(test_util.TestCase):
    def penalty(self, gate, logits):
        logits = tf.constant(logits, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            penalty = gate.expected_l0(logits)
        return penalty, tape.gradient(penalty, logits)

    def test_transform(self):
        value, slope = self.penalty(DiffPrune(), [-2, 0.2])
        self.assertAllClose(value, [0, 0.379948962], rtol=1e-6)
        leaked = 0.1 * 2 * (1 - np.tanh(4) ** 2)
        self.assertAllClose(slope, [leaked, 1.711277572], rtol=2e-4)

    @parameterized.parameters(
        ("tanh", 0.0), ("clipped_sigmoid", -LOG_11), ("clip", 0.0)
    )
    def test_sigmoid(self, transform, start):
        gate = DiffPrune(transform, surrogate="sigmoid")
        logits = np.array([-2, 0.2])
        value, slope = self.penalty(gate, logits)
        expected = 1 / (1 + np.exp(start - logits / 0.5))
        self.assertAllClose(value, expected, rtol=1e-6)
        self.assertAllClose(slope, expected * (1 - expected) / 0.5, rtol=1e-5)

    def test_noise_makes_it_a_probability(self):
        for surrogate in ("transform", "sigmoid"):
            gate = DiffPrune(noise=0.5, surrogate=surrogate)
            value, slope = self.penalty(gate, [0.25])
            self.assertAllClose(value, [0.691462461], rtol=1e-6)
            # The normal density at 1/2, by standard deviation.
            density = np.exp(-1 / 8) / np.sqrt(2 * np.pi) / 0.5
            self.assertAllClose(slope, [density], rtol=1e-5)


class DiffPruneTest(test_util.TestCase):
    @parameterized.parameters(
        ("tanh", 1.5), ("rational", 4.5), ("clipped_sigmoid", 0), ("clip", 0.25)
    )
    def test_default_start(self, transform, mean):
        gate = DiffPrune(transform)
        logits = np.array(gate.logits_initializer()((2000,)))
        self.assert_mean_close(logits, mean)
        # Relative error of a standard deviation 1 / sqrt(2 n); 5 of them
        # are exceeded with probability 6e-7.
        self.assertAllClose(logits.std(), 0.01, rtol=5 / np.sqrt(4000))

    def test_start(self):
        schedule = keras.optimizers.schedules.ExponentialDecay(2.0, 10, 0.1)
        for gate, mean in (
            (DiffPrune(initial=0), 0.0),
            (DiffPrune(initial=-0.7), -0.7),
            (DiffPrune(scale=schedule), 6.0),
        ):
            logits = np.array(gate.logits_initializer()((2000,)))
            self.assert_mean_close(logits, mean)

    def test_constraint_keeps_a_slope(self):
        clamp = DiffPrune(scale=0.2).logits_constraint()
        found = clamp(tf.constant([-3.0, -0.61, -0.5, 1.9, 2.1]))
        self.assertAllClose(found, [-0.6, -0.6, -0.5, 1.9, 2.0])

    def test_learns_when_closed_only_by_its_leak(self):
        self.assertTrue(DiffPrune().learns_when_closed)
        self.assertFalse(DiffPrune(leak=0).learns_when_closed)
        self.assertFalse(DiffPrune(noise=0.5).learns_when_closed)

    def test_is_stochastic_with_noise(self):
        schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.1)
        self.assertFalse(DiffPrune().stochastic)
        self.assertTrue(DiffPrune(noise=0.1).stochastic)
        scheduled = DiffPrune(noise=schedule)
        self.assertTrue(scheduled.stochastic)
        present = scheduled.at({"noise": tf.constant(0.25)})
        self.assertTrue(present.stochastic)
        self.assertAllClose(
            present.prob_nonzero(tf.constant([0.25])), [0.841344746]
        )

    @parameterized.parameters(
        ({"transform": "relu"}, ValueError, "Unknown `transform`.*'relu'"),
        ({"scale": 0}, ValueError, "`scale` must be positive.*scale=0"),
        ({"scale": None}, TypeError, "`scale` must be a number.*scale=None"),
        ({"noise": -0.1}, ValueError, "`noise` must not be negative.*=-0.1"),
        ({"noise": np.nan}, ValueError, "`noise` must be finite.*=nan"),
        ({"leak": -0.1}, ValueError, "`leak` must not be negative.*=-0.1"),
        ({"leak": 1}, ValueError, "`leak` must be below 1. .*leak=1"),
        ({"leak": "0"}, TypeError, "`leak` must be a number.*leak='0'"),
        ({"surrogate": "l1"}, ValueError, "Unknown `surrogate`.*'l1'"),
        ({"initial": np.inf}, ValueError, "`initial` must be finite.*=inf"),
        ({"initial": "1"}, TypeError, "`initial` must be a number.*='1'"),
    )
    def test_argument_out_of_range(self, arguments, error, words):
        with self.assertRaisesRegex(error, words):
            DiffPrune(**arguments)


class NoiseTest(test_util.TestCase):
    # Midpoints: the mean of a function of bounded variation V is off by V / n.
    n = 100_000
    uniforms = np.float32((np.arange(n) + 0.5) / n)

    def sample(self, gate, logit):
        return gate.sample(tf.fill([self.n], logit), self.uniforms)

    @parameterized.parameters(
        (0.0, 0.5, 0.195225789, 0.0),
        (0.25, 0.691462461, 0.334244882, 0.25),
        (0.5, 0.841344746, 0.5, 0.5),
        (1.0, 0.977249868, 0.804774211, 1.0),
    )
    def test_gaussian_gate(self, logit, prob, mean, inference):
        gate = DiffPrune("clip", scale=1.0, noise=0.5)
        gates = np.float64(self.sample(gate, logit))
        self.assertAllClose(gates.mean(), mean, rtol=0, atol=1 / self.n)
        self.assertAllClose((gates > 0).mean(), prob, rtol=0, atol=1 / self.n)
        logits = tf.constant([logit])
        self.assertAllClose(gate.prob_nonzero(logits), [prob], rtol=1e-6)
        self.assertAllEqual(gate.deterministic_gate(logits), [inference])

    def test_scale_and_noise_are_apart(self):
        # x = 0.1 + 0.2 eps, over 0.5: the same quantile by hand.
        gate = DiffPrune("tanh", scale=0.5, noise=0.2)
        found = gate.sample(
            tf.fill([3], 0.1), tf.constant([0.158655254, 0.5, 0.841344746])
        )
        expected = [0, np.tanh(0.2), np.tanh(0.6)]
        # A quantile of the normal in float32.
        self.assertAllClose(found, expected, rtol=1e-5)

    @parameterized.parameters(
        ("tanh", 0.0), ("rational", 0.0), ("clipped_sigmoid", -LOG_11)
    )
    def test_probability(self, transform, start):
        gate = DiffPrune(transform, scale=0.5, noise=0.2)
        gates = self.sample(gate, -0.1)
        found = gate.prob_nonzero(tf.constant([-0.1]))
        share = np.mean(gates > 0)
        self.assertAllClose(found, [share], rtol=0, atol=2 / self.n)
        if start == 0:  # Phi(-1/2)
            self.assertAllClose(found, [0.308537539], rtol=1e-6)

    @parameterized.parameters(
        ("clip", lambda y: np.clip(y, 0, 1)),
        ("tanh", lambda y: np.tanh(np.maximum(y, 0))),
    )
    def test_gradient_is_that_of_the_expectation(self, transform, squash):
        gate = DiffPrune(transform, scale=0.8, noise=0.5)
        logit = tf.constant(0.25)
        with tf.GradientTape() as tape:
            tape.watch(logit)
            loss = tf.reduce_mean((self.sample(gate, logit) - 0.45) ** 2)
        noise = np.linspace(-9, 9, 400_001)
        weights = np.exp(-(noise**2) / 2) / np.sqrt(2 * np.pi) * 18 / 400_000

        def expected(mean):
            return weights @ (squash((mean + 0.5 * noise) / 0.8) - 0.45) ** 2

        exact = (expected(0.25 + 1e-3) - expected(0.25 - 1e-3)) / 2e-3
        # The derivative varies by less than 6 over the uniform numbers and
        # is off by 6e-5; a float32 sum adds as much at most.
        found = tape.gradient(loss, logit)
        self.assertAllClose(found, exact, rtol=0, atol=1.2e-4)


if __name__ == "__main__":
    absltest.main()
