"""Tests of StraightThrough by the example of the method's description.

Its features are rows; ours are columns, so that everything is transposed.
"""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.gates import StraightThrough
from tests import test_util

LOGITS = np.array([[0.2, -0.1, 0], [-0.5, 0.3, 0.7]]).T
WEIGHTS = np.array([[1, 2, -1], [0.5, -0.5, 2]]).T
UPSTREAM = np.array([[0.1, -0.2, 0.3], [0.4, 0, -0.1]]).T
OPEN = np.array([[1, 0, 0], [0, 1, 1]]).T
COARSE = np.array([[0.1, -0.4, -0.3], [0.2, 0, -0.2]]).T
NORMALIZED = np.array(
    [
        [0.196116135, -0.784464541, -0.588348405],
        [0.707106781, 0, -0.707106781],
    ]
).T
SOFTPLUS_SLOPES = np.array(
    [
        [0.549833997, 0.475020813, 0.5],
        [0.377540669, 0.574442517, 0.668187772],
    ]
).T


def step(gate, loss_scale=1.0, l0=0.0, logits=LOGITS):
    """Gates and gradients by the logits and weights of a linear loss."""
    variables = [tf.constant(x, tf.float32) for x in (logits, WEIGHTS)]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        flat = tf.reshape(variables[0], [-1])
        data = gate.data_logits(flat, [logits.shape], loss_scale)
        gates = tf.reshape(gate.sample(data, None), logits.shape)
        loss = tf.reduce_sum(gates * variables[1] * np.float32(UPSTREAM))
        charged = data if gate.shares_data_logits else flat
        penalty = l0 * tf.reduce_sum(gate.expected_l0(charged))
        total = loss_scale * (loss + penalty)
    return gates, *tape.gradient(total, variables)


class StraightThroughTest(test_util.TestCase):
    def test_gates_are_the_step(self):
        gate, logits = StraightThrough(), tf.constant(LOGITS, tf.float32)
        gates, _, by_weights = step(gate)
        self.assertAllEqual(gates, OPEN)
        self.assertAllEqual(gate.deterministic_gate(logits), OPEN)
        self.assertAllEqual(gate.prob_nonzero(logits), OPEN)
        # The weights' gradient is masked.
        self.assertAllClose(by_weights, OPEN * UPSTREAM, rtol=1e-6)

    def test_coarse_gradient_reaches_closed_gates(self):
        _, by_logits, _ = step(StraightThrough(norm=None))
        self.assertAllClose(by_logits, COARSE, rtol=1e-6)

    def test_normalized_gradient(self):
        _, by_logits, _ = step(StraightThrough())
        self.assertAllClose(by_logits, NORMALIZED, rtol=1e-6)

    @parameterized.parameters(
        ("l2", [np.sqrt(0.26), np.sqrt(0.08)]),
        ("rms", [np.sqrt(0.26 / 3), np.sqrt(0.08 / 3)]),
        ("max", [0.4, 0.2]),
    )
    def test_norm(self, norm, divisors):
        _, by_logits, _ = step(StraightThrough(norm=norm))
        self.assertAllClose(by_logits, COARSE / divisors, rtol=1e-6)

    @parameterized.parameters(
        ("identity", np.ones((3, 2))),
        ("leaky_relu", np.where(LOGITS > 0, 1, 0.3)),
        ("softplus", SOFTPLUS_SLOPES),
    )
    def test_estimator(self, estimator, slopes):
        gate = StraightThrough(estimator, leak=0.3, norm=None)
        _, by_logits, _ = step(gate)
        self.assertAllClose(by_logits, COARSE * slopes, rtol=2e-6)
        # The slope is normalized, too: it is the gradient of the logits.
        gate = StraightThrough(estimator, leak=0.3)
        _, by_logits, _ = step(gate)
        norms = np.linalg.norm(by_logits, axis=0)
        self.assertAllClose(norms, [1, 1], rtol=1e-6)
        expected = COARSE * slopes
        expected /= np.linalg.norm(expected, axis=0)
        self.assertAllClose(by_logits, expected, rtol=2e-6)

    def test_penalty_counts_open_gates(self):
        logits = tf.constant(LOGITS, tf.float32)
        for estimator in ("identity", "leaky_relu", "softplus"):
            found = StraightThrough(estimator).expected_l0(logits)
            self.assertAllEqual(found, OPEN)

    def test_penalty_gradient_of_the_identity_is_constant(self):
        flat = tf.constant(LOGITS.ravel(), tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(flat)
            penalty = 0.25 * tf.reduce_sum(StraightThrough().expected_l0(flat))
        self.assertAllEqual(tape.gradient(penalty, flat), [0.25] * 6)

    def test_order_data_adds_the_penalty_afterwards(self):
        gate = StraightThrough()
        self.assertFalse(gate.shares_data_logits)
        _, by_logits, _ = step(gate, l0=0.25)
        self.assertAllClose(by_logits, NORMALIZED + 0.25, rtol=1e-6)

    def test_order_total_normalizes_the_sum(self):
        gate = StraightThrough(order="total")
        self.assertTrue(gate.shares_data_logits)
        _, by_logits, _ = step(gate, l0=0.25)
        expected = COARSE + 0.25
        expected /= np.linalg.norm(expected, axis=0)
        # 0.25 - 0.2 loses two bits.
        self.assertAllClose(by_logits, expected, rtol=1e-6, atol=1e-7)

    @parameterized.parameters("l2", "rms", "max", None)
    def test_loss_scale_multiplies_the_gradient(self, norm):
        gate = StraightThrough(norm=norm)
        _, plain, _ = step(gate)
        _, scaled, _ = step(gate, loss_scale=1024.0)
        self.assertAllClose(scaled, 1024 * plain, rtol=1e-6)

    def test_scales_with_the_loss_without_a_norm(self):
        self.assertTrue(StraightThrough(norm=None).scales_with_loss)
        for norm in ("l2", "rms", "max"):
            self.assertFalse(StraightThrough(norm=norm).scales_with_loss)

    def test_no_gradient_stays_none(self):
        gate, logits = StraightThrough(), tf.zeros([4])
        with tf.GradientTape() as tape:
            tape.watch(logits)
            gates = gate.sample(gate.data_logits(logits, [(4, 1)]), None)
            loss = 0 * tf.reduce_sum(gates)
        self.assertAllEqual(tape.gradient(loss, logits), [0, 0, 0, 0])

    def test_closed_gate_returns(self):
        # Descent on a loss that falls as the gate opens.
        gate, logits = StraightThrough(), tf.Variable([-0.25, -0.25])
        for _ in range(3):
            with tf.GradientTape() as tape:
                data = gate.data_logits(logits + 0.0, [(2, 1)])
                loss = -tf.reduce_sum(gate.sample(data, None))
            logits.assign_sub(0.125 * tape.gradient(loss, logits))
        # Three steps of 0.125 / sqrt(2).
        self.assertAllClose(logits, [-0.25 + 0.375 / np.sqrt(2)] * 2)
        self.assertAllEqual(gate.deterministic_gate(logits), [1, 1])

    def test_nothing_is_drawn(self):
        self.assertFalse(StraightThrough.stochastic)
        self.assertTrue(StraightThrough().learns_when_closed)
        self.assertFalse(StraightThrough.needs_model)

    def test_start_and_bounds(self):
        gate = StraightThrough(initial=0.4, clamp=0.5)
        found = gate.logits_initializer()((3,))
        self.assertAllEqual(found, np.float32([0.4] * 3))
        found = gate.logits_constraint()(tf.constant([-2.0, 0.3, 2.0]))
        self.assertAllEqual(found, np.float32([-0.5, 0.3, 0.5]))

    def test_serialized_under_the_package_s_name(self):
        gate = StraightThrough("softplus", 0.2, None, "total", 0.5, 2.0)
        data = keras.saving.serialize_keras_object(gate)
        self.assertEqual(data["registered_name"], "keras_l0>StraightThrough")
        other = keras.saving.deserialize_keras_object(data)
        self.assertEqual(vars(other), vars(gate))

    @parameterized.parameters(
        ({"estimator": "relu"}, ValueError, "Unknown `estimator`.*'relu'"),
        ({"leak": 0}, ValueError, "`leak` must lie strictly.*leak=0"),
        ({"leak": 1.0}, ValueError, "`leak` must lie strictly.*leak=1.0"),
        ({"norm": "l1"}, ValueError, "Unknown `norm`.*norm='l1'"),
        ({"order": "sum"}, ValueError, "Unknown `order`.*order='sum'"),
        ({"initial": 0}, ValueError, "`initial` must be positive.*=0"),
        ({"initial": "1"}, TypeError, "`initial` must be a number.*='1'"),
        ({"clamp": -1}, ValueError, "`clamp` must be positive.*clamp=-1"),
        ({"clamp": None}, TypeError, "`clamp` must be a number.*clamp=None"),
    )
    def test_argument_out_of_range(self, arguments, error, words):
        with self.assertRaisesRegex(error, words):
            StraightThrough(**arguments)


if __name__ == "__main__":
    absltest.main()
