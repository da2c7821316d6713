"""Tests for GatedOptimizer."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util

SGD = keras.optimizers.SGD


class GatedOptimizerTest(test_util.TestCase):
    def variables(self):
        weight = keras.Variable([1.0, 2.0], name="logits")
        vector = keras_l0.GateVector()
        vector.build((2,))
        vector.logits.assign([0.0, 0.0])
        return [weight, vector.logits]

    def test_each_kind_has_its_own_rate(self):
        optimizer = keras_l0.training.GatedOptimizer(SGD(0.5), SGD(0.1))
        variables = self.variables()
        optimizer.apply([tf.ones([2]), tf.ones([2])], variables)
        self.assertAllClose(variables[0], [0.5, 1.5])
        self.assertAllClose(variables[1], [-0.1, -0.1])
        self.assertEqual(optimizer.iterations, 1)

    def test_a_part_of_the_variables_may_be_applied(self):
        optimizer = keras_l0.training.GatedOptimizer(SGD(0.5), SGD(0.1))
        variables = self.variables()
        optimizer.build(variables)
        optimizer.apply([tf.ones([2])], variables[:1])
        self.assertAllClose(variables[0], [0.5, 1.5])
        self.assertAllEqual(variables[1], [0.0, 0.0])
        self.assertEqual(optimizer.iterations, 1)

    def test_learning_rate_is_that_of_the_weights(self):
        optimizer = keras_l0.training.GatedOptimizer(SGD(0.5), SGD(0.1))
        optimizer.learning_rate = 0.25
        self.assertAllClose(optimizer.learning_rate, 0.25)
        self.assertAllClose(optimizer.weight_optimizer.learning_rate, 0.25)
        self.assertAllClose(optimizer.gate_optimizer.learning_rate, 0.1)
        self.assertFalse(hasattr(optimizer, "optimizers"))

    def test_default_averages_like_the_weights(self):
        optimizer = keras_l0.training.GatedOptimizer(
            SGD(0.5, use_ema=True, ema_momentum=0.9)
        )
        gates = optimizer.gate_optimizer
        self.assertIsInstance(gates, keras.optimizers.Adam)
        self.assertAllClose(gates.learning_rate, 0.01)
        self.assertTrue(gates.use_ema)
        self.assertEqual(gates.ema_momentum, 0.9)

    def test_average_of_a_constant_is_the_constant(self):
        optimizer = keras_l0.training.GatedOptimizer(
            SGD(0.0, use_ema=True, ema_momentum=0.999), SGD(0.0, use_ema=True)
        )
        variables = self.variables()
        variables[1].assign([1.0, -1.0])
        for _ in range(600):
            optimizer.apply([tf.ones([2]), tf.ones([2])], variables)
        optimizer.finalize_variable_values(variables)
        # A sum of 600 terms in float32.
        self.assertAllClose(variables[0], [1.0, 2.0], rtol=1e-5)
        self.assertAllClose(variables[1], [1.0, -1.0], rtol=1e-5)

    def test_default_rate_is_raised_where_it_is_less(self):
        optimizer = keras_l0.training.GatedOptimizer(SGD(0.5))
        optimizer.suit_gate_rate(0.001)
        self.assertAllClose(optimizer.gate_optimizer.learning_rate, 0.01)
        optimizer.suit_gate_rate(0.25)
        self.assertAllClose(optimizer.gate_optimizer.learning_rate, 0.25)
        self.assertAllClose(optimizer.learning_rate, 0.5)

    @parameterized.parameters("sgd", "adam")
    def test_rate_that_was_chosen_is_not_raised(self, name):
        optimizer = keras_l0.training.GatedOptimizer(SGD(0.5), name)
        before = float(optimizer.gate_optimizer.learning_rate)
        optimizer.suit_gate_rate(0.25)
        self.assertAllClose(optimizer.gate_optimizer.learning_rate, before)

    def test_config_goes_round(self):
        optimizer = keras_l0.training.GatedOptimizer(SGD(0.5), "adam")
        config = keras.saving.serialize_keras_object(optimizer)
        other = keras.saving.deserialize_keras_object(config)
        self.assertEqual(other.get_config(), optimizer.get_config())
        self.assertAllClose(other.learning_rate, 0.5)

    @parameterized.parameters(
        (3, "adam", "`optimizer` must be"),
        ("sgd", "no_such", "`gate_optimizer` must be"),
        ("sgd", np.ones(2), "`gate_optimizer` must be"),
    )
    def test_refuses_what_is_no_optimizer(self, weights, gates, message):
        with self.assertRaisesRegex(TypeError, message):
            keras_l0.training.GatedOptimizer(weights, gates)

    def test_refuses_nested_optimizers(self):
        inner = keras_l0.training.GatedOptimizer("sgd")
        with self.assertRaisesRegex(TypeError, "plain"):
            keras_l0.training.GatedOptimizer("sgd", inner)

    @parameterized.parameters(float("nan"), float("inf"), 0.0, -2.0)
    def test_refuses_a_scale_that_loses_the_gradients(self, scale):
        with self.assertRaisesRegex(ValueError, "loss_scale_factor"):
            keras_l0.training.GatedOptimizer("sgd", loss_scale_factor=scale)

    def test_takes_a_scale(self):
        optimizer = keras_l0.training.GatedOptimizer("sgd", loss_scale_factor=8)
        self.assertEqual(optimizer.loss_scale_factor, 8)

    def test_refuses_half_an_average(self):
        with self.assertRaisesRegex(ValueError, "averaged together"):
            keras_l0.training.GatedOptimizer(SGD(use_ema=True), SGD())


if __name__ == "__main__":
    absltest.main()
