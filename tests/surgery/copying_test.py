"""Tests of how layers are copied."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery import copying
from tests.surgery.strip_test_case import StripTestCase


def own(x):
    return x - 0.25


def relu(x):  # not Keras', for all its name
    return ops.maximum(x, 0.25)


class NoName(keras.Operation):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor


class Steep(layers.Layer):
    """Has a method of the name of an entry of its config."""

    def __init__(self, slope=1.0, **kwargs):
        super().__init__(**kwargs)
        self._slope = slope

    def slope(self):
        return self._slope

    def get_config(self):
        return {**super().get_config(), "slope": self._slope}

    def call(self, x):
        return self._slope * x


class Cell(layers.SimpleRNNCell):
    """Not registered with Keras."""


class Wide(layers.Dense):
    def __init__(self, half, **kwargs):
        super().__init__(2 * half, **kwargs)

    def get_config(self):
        config = super().get_config()
        config["half"] = config.pop("units") // 2
        return config


class CopyOperationTest(StripTestCase):
    def copy(self, source, layer_class=None, **changes):
        return copying.copy_operation(
            source, layer_class or type(source), changes
        )

    def test_changes_are_made(self):
        source = layers.Dense(3, activation="gelu", name="a", trainable=False)
        copy = self.copy(source, units=2, name="b")
        self.assertEqual((copy.units, copy.name), (2, "b"))
        self.assertFalse(copy.trainable)
        self.assertIs(copy.activation, source.activation)
        self.assertEqual(source.units, 3)

    def test_subclass_becomes_the_class_asked_for(self):
        copy = self.copy(Wide(3, name="a"), layers.Dense, units=4, name="b")
        self.assertIs(type(copy), layers.Dense)
        self.assertEqual((copy.units, copy.name), (4, "b"))

    @parameterized.parameters(own, relu, tf.nn.gelu, lambda x: x + 1.0)
    def test_functions_are_taken_as_they_are(self, function):
        for source in (
            layers.Dense(2, activation=function),
            layers.Activation(function),
        ):
            self.assertIs(self.copy(source).activation, function)

    def test_methods_are_not_taken_for_functions(self):
        self.assertEqual(self.copy(Steep(2.0)).slope(), 2.0)

    @parameterized.parameters(own, relu, lambda x: tf.nn.relu(x))
    def test_lambda_keeps_its_function(self, function):
        copy = self.copy(layers.Lambda(function), name="b")
        x = tf.constant([-1.0, 0.1, 1.0], tf.float64)
        self.assertAllEqual(copy(x), function(x))
        self.assertEqual(copy.name, "b")

    def test_given_statistics_keep_their_precision(self):
        mean, variance = np.array([[0.1, 0.2], [1.1, 2.3]])
        source = layers.Normalization(mean=mean, variance=variance)
        x = tf.constant([[0.3, 0.4]], tf.float64)
        self.assertAllClose(self.copy(source)(x), source(x), rtol=1e-15)

    def test_class_without_a_name(self):
        copy = self.copy(NoName(2.0), name="b")
        self.assertEqual(copy.factor, 2.0)

    def test_classes_inside_need_not_be_registered(self):
        source = layers.TimeDistributed(layers.RNN(Cell(2)))
        self.assertIsInstance(self.copy(source).layer.cell, Cell)

    def test_operation_of_keras_ops(self):
        y = ops.take(keras.Input((3,)), np.array([0, 2]), axis=1)
        copy = self.copy(y._keras_history.operation, name="b")
        self.assertEqual((copy.name, copy.axis), ("b", 1))


class FreeInitializersTest(StripTestCase):
    def test_only_those_that_know_one_shape(self):
        array = keras.initializers.Constant(np.ones((2, 3)))
        source = layers.Dense(
            3,
            kernel_initializer=array,
            bias_initializer=keras.initializers.Constant(0.5),
        )
        self.assertEqual(
            copying.free_initializers(source, ["kernel", "bias"]),
            {"kernel_initializer": "zeros"},
        )
        self.assertEqual(copying.free_initializers(source, ["bias"]), {})


class CopyStateTest(StripTestCase):
    def copy(self, source, x):
        source(x)
        copy = copying.copy_operation(source, type(source), {})
        copy(x)
        copying.copy_state(source, copy)
        return copy

    def test_constants_that_a_layer_derives_from_its_weights(self):
        x = self.rng.normal(3.0, 2.0, (50, 4))
        source = layers.Normalization()
        source.adapt(x)
        self.assertAllClose(self.copy(source, x)(x), source(x), rtol=1e-12)

    def test_vocabulary(self):
        words = tf.constant([["a"], ["c"], ["b"], ["c"]])
        source = layers.StringLookup()
        source.adapt(words)
        copy = copying.copy_operation(source, type(source), {})
        copying.copy_state(source, copy)
        self.assertAllEqual(copy(words), source(words))

    def test_layers_inside(self):
        x = self.rng.normal(size=(4, 3, 2))
        source = layers.Bidirectional(layers.LSTM(2))
        self.assertAllClose(self.copy(source, x)(x), source(x), rtol=1e-12)


if __name__ == "__main__":
    absltest.main()
