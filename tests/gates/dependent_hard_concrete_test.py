"""Tests of gates whose logits are generated, and of their penalties."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import gates
from keras_l0.gates import DependentHardConcrete
from tests import test_util

LOG_100 = 4.605170186


def chain(gate, kernels, biases):
    """The logits of all layers, from a vector of ones on."""
    logits = [tf.ones([kernels[0].shape[0]])]
    for kernel, bias in zip(kernels, biases, strict=True):
        logits.append(gate.generate(logits[-1], kernel, bias))
    return logits[1:]


class GenerateTest(test_util.TestCase):
    def test_open_start_of_the_reference(self):
        gate = DependentHardConcrete()
        kernels = [tf.zeros([4, 4]), tf.zeros([4, 2])]
        first, second = chain(
            gate, kernels, [tf.fill([4], 3.0), tf.fill([2], 3.0)]
        )
        self.assertAllClose(first, [4.582396485] * 4, rtol=1e-6)
        self.assertAllClose(second, [4.582396485] * 2, rtol=1e-6)
        self.assertAllClose(
            gate.prob_nonzero(second), [0.997935897] * 2, rtol=1e-6
        )

    def test_agrees_with_numpy(self):
        rng = np.random.default_rng(3)
        previous, bias = rng.normal(size=3), rng.normal(size=2)
        kernel = rng.normal(size=(3, 2))
        found = DependentHardConcrete().generate(
            *(tf.constant(x, tf.float32) for x in (previous, kernel, bias))
        )
        expected = np.log(100) * np.tanh(previous @ kernel + bias)
        # Sums of four terms near 1, and a tanh, in float32.
        self.assertAllClose(found, expected, rtol=2e-6, atol=2e-6)

    def test_logits_are_bounded(self):
        found = DependentHardConcrete().generate(
            tf.fill([2], 4.6), tf.fill([2, 3], 5.0), tf.constant([0, 1e9, -1e9])
        )
        # tanh is 1 in float32; the bound is rounded.
        self.assertAllClose(found, [LOG_100, LOG_100, -LOG_100], rtol=1e-7)
        found = DependentHardConcrete().generate(
            tf.zeros([1]), tf.zeros([1, 2]), tf.constant([6.0, -6.0])
        )
        self.assertAllLess(np.abs(found), LOG_100)

    def test_gradients_of_a_layer(self):
        gate = DependentHardConcrete()
        inputs = [
            tf.constant([0.5, -1.0]),
            tf.constant([[0.2, 0.4, -0.1], [0.1, -0.3, 0.6]]),
            tf.constant([0.3, 0.0, -0.2]),
        ]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            second = gate.generate(*inputs)[1]
        previous, kernel, bias = tape.gradient(second, inputs)
        # The sum of the second gate is 0.2 + 0.3 = 0.5.
        slope = LOG_100 / np.cosh(0.5) ** 2
        self.assertAllClose(bias, [0, slope, 0], rtol=1e-6)
        self.assertAllClose(previous, [0.4 * slope, -0.3 * slope], rtol=1e-6)
        expected = [[0, 0.5 * slope, 0], [0, -slope, 0]]
        self.assertAllClose(kernel, expected, rtol=1e-6)

    def test_layers_depend_on_those_before(self):
        rng = np.random.default_rng(5)
        kernels = [
            tf.constant(0.3 * rng.normal(size=shape), tf.float32)
            for shape in ((2, 2), (2, 3), (3, 4))
        ]
        biases = [tf.zeros([n]) for n in (2, 3, 4)]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(kernels)
            layers = chain(DependentHardConcrete(), kernels, biases)
        for k, logits in enumerate(layers):
            for j, kernel in enumerate(kernels):
                gradient = tape.gradient(logits, kernel)
                if j > k:
                    self.assertIsNone(gradient)
                else:
                    self.assertNotAllEqual(gradient, tf.zeros_like(gradient))

    def test_zero_kernel_forgets_the_layer_before(self):
        gate, bias = DependentHardConcrete(), tf.fill([3], 0.7)
        found = [
            gate.generate(tf.constant(previous), tf.zeros([2, 3]), bias)
            for previous in ([1.0, 1.0], [-4.0, 2.5])
        ]
        self.assertAllEqual(*found)
        self.assertAllEqual(found[0], [found[0][0]] * 3)


class PenaltyTest(test_util.TestCase):
    def weights(self, penalty, open_gates, **group):
        return DependentHardConcrete(penalty=penalty).expected_weights(
            open_gates, gates.WeightGroup(**group)
        )

    def test_product_of_the_reference(self):
        # 3x3 kernels, 3 channels, then 2.5, 4 and 3.2 gates expected open.
        layers = [tf.fill([n], e / n) for n, e in ((4, 2.5), (5, 4), (8, 3.2))]
        total, previous = 0.0, 3.0
        for open_gates in layers:
            total += self.weights(
                "product", open_gates, size=99.0, positions=9, previous=previous
            )
            previous = tf.reduce_sum(open_gates)
        self.assertAllClose(1e-6 * total, 2.727e-4, rtol=1e-6, atol=0)

    def test_product_charges_both_neighbors(self):
        first, second = tf.constant([0.5, 1.0]), tf.constant([0.25, 0.5, 1.0])
        with tf.GradientTape() as tape:
            tape.watch([first, second])
            weights = self.weights(
                "product",
                second,
                size=18.0,
                positions=9,
                previous=tf.reduce_sum(first),
            )
        self.assertAllClose(weights, 9 * 1.5 * 1.75)
        by_first, by_second = tape.gradient(weights, [first, second])
        self.assertAllClose(by_first, [9 * 1.75] * 2)
        self.assertAllClose(by_second, [9 * 1.5] * 3)

    def test_squared_kernel(self):
        found = self.weights(
            "squared_kernel",
            tf.constant([0.5, 0.25]),
            size=144.0,
            positions=9,
            inputs=16,
            previous=5.0,
        )
        self.assertAllClose(found, 9 * (9 * 16) * 0.75)

    def test_independent_charges_as_other_families(self):
        found = self.weights(
            "independent",
            tf.constant([0.5, 0.25]),
            size=145.0,
            positions=9,
            inputs=16,
            previous=5.0,
        )
        self.assertAllClose(found, 145 * 0.75)


class DependentHardConcreteTest(test_util.TestCase):
    def test_gates_are_hard_concrete(self):
        gate = DependentHardConcrete()
        logits = tf.constant([-3.0, -1.0, 0.0, 1.0, 3.0])
        self.assertAllClose(
            gate.deterministic_gate(logits),
            [0, 0.222729706, 0.5, 0.777270294, 1],
            rtol=1e-6,
        )
        found = gate.prob_nonzero(tf.constant([3.0]))
        self.assertAllClose(found, [0.990034364], rtol=1e-6)

    def test_what_the_training_step_must_know(self):
        self.assertTrue(DependentHardConcrete.needs_model)
        self.assertTrue(DependentHardConcrete.chained)
        self.assertFalse(DependentHardConcrete.learns_when_closed)
        self.assertFalse(DependentHardConcrete.estimates_gradient)

    def test_biases_start_at_three(self):
        initializer = DependentHardConcrete().logits_initializer()
        biases = np.array(initializer((2000,)))
        self.assert_mean_close(biases, 3.0)
        # Relative error of a standard deviation 1 / sqrt(2 n); 5 of them
        # are exceeded with probability 6e-7.
        self.assertAllClose(biases.std(), 0.01, rtol=5 / np.sqrt(4000))

    def test_published_kernels_are_uniform(self):
        initializer = DependentHardConcrete().kernel_initializer()
        kernel = np.array(initializer((64, 500)))
        # 1 / sqrt(64). All of 32,000 stay off the last 0.1 % of a side
        # with probability exp(-16), 2.3e-7 for both.
        self.assertAllInRange(kernel, -0.125, 0.125)
        self.assertGreater(kernel.max(), 0.999 * 0.125)
        self.assertLess(kernel.min(), -0.999 * 0.125)
        self.assert_mean_close(kernel.ravel(), 0.0)
        self.assert_mean_close(kernel.ravel() ** 2, 1 / 64 / 3)

    def test_open_kernels_are_zero(self):
        gate = DependentHardConcrete(start="open")
        kernel = gate.kernel_initializer()((3, 2))
        self.assertAllEqual(kernel, np.zeros((3, 2)))

    def test_biases_are_not_clamped(self):
        self.assertIsNone(DependentHardConcrete().logits_constraint())

    def test_config(self):
        arguments = {
            "direction": "backward",
            "start": "open",
            "penalty": "squared_kernel",
            "temperature": 0.5,
            "stretch_low": -0.2,
            "stretch_high": 1.4,
            "inference": "median",
        }
        gate = DependentHardConcrete(**arguments)
        self.assertEqual(gate.get_config(), arguments)
        data = keras.saving.serialize_keras_object(gate)
        self.assertEqual(
            data["registered_name"], "keras_l0>DependentHardConcrete"
        )
        other = keras.saving.deserialize_keras_object(data)
        self.assertEqual(other.get_config(), arguments)

    @parameterized.parameters(
        ("direction", "up", ValueError, r"Unknown .*'forward', 'backward'\)"),
        ("start", "closed", ValueError, r"Unknown .*'published', 'open'\)"),
        ("penalty", "l1", ValueError, r"Unknown .*'squared_kernel'\)"),
        ("inference", "mean", ValueError, r"Unknown .*'median', 'topk'\)"),
        ("temperature", 0, ValueError, "must be positive"),
        ("stretch_low", 0.1, ValueError, "must be below 0"),
        ("stretch_high", "1", TypeError, "must be a number"),
    )
    def test_argument_out_of_range(self, name, value, error, words):
        with self.assertRaisesRegex(error, f"{words}.* Received:.*{value}"):
            DependentHardConcrete(**{name: value})


if __name__ == "__main__":
    absltest.main()
