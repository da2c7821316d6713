"""Tests of what is known of activation functions."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import activations as keras_activations

from keras_l0.surgery import activations
from tests import test_util

# Every activation function that Keras has, found by what `get` accepts.
NAMES = sorted(
    name
    for name in dir(keras_activations)
    if not name.startswith("_")
    and name not in ("deserialize", "get", "serialize", "threshold")
)
COUPLED = ("glu", "log_softmax", "softmax", "sparsemax")


class ActivationsTest(test_util.TestCase):
    @parameterized.parameters(*NAMES)
    def test_elementwise_is_told_right(self, name):
        function = keras_activations.get(name)
        rng = np.random.default_rng(test_util.test_seed())
        x = rng.normal(size=(4, 6))
        if name == "glu":
            elementwise = False
        else:
            y = activations.evaluate(function, x)
            changed = x.copy()
            changed[:, 0] += 1.0
            again = activations.evaluate(function, changed)
            elementwise = np.array_equal(y[:, 1:], again[:, 1:])
        self.assertEqual(elementwise, name not in COUPLED)
        self.assertEqual(activations.is_elementwise(function), elementwise)

    @parameterized.parameters(*(name for name in NAMES if name not in COUPLED))
    def test_homogeneous_is_told_right(self, name):
        function = keras_activations.get(name)
        x = np.array([-5.0, -1.0, -0.3, 0.0, 0.2, 1.0, 4.0, 7.0])
        y = activations.evaluate(function, x)
        commutes = all(
            np.allclose(activations.evaluate(function, z * x), z * y, 1e-12)
            for z in (0.0, 0.3, 0.9)
        )
        self.assertEqual(activations.is_homogeneous(function), commutes)

    @parameterized.parameters(
        (tf.nn.relu, True),
        (tf.nn.leaky_relu, True),
        (keras.ops.relu, True),
        (tf.nn.gelu, False),
        (tf.nn.sigmoid, False),
        (keras.ops.tanh, False),
    )
    def test_functions_of_tensorflow_and_keras_ops(self, function, homogeneous):
        self.assertTrue(activations.is_elementwise(function))
        self.assertEqual(activations.is_homogeneous(function), homogeneous)

    def test_unknown_functions_are_taken_for_neither(self):
        def relu(x):  # not Keras', for all its name
            return x - tf.reduce_mean(x)

        for function in (relu, tf.nn.softmax, lambda x: x):
            self.assertFalse(activations.is_elementwise(function))
            self.assertFalse(activations.is_homogeneous(function))

    def test_evaluate_is_double_precision(self):
        x = np.array([0.1], "float32")
        y = activations.evaluate(keras_activations.sigmoid, x)
        self.assertEqual(y.dtype, np.float64)
        self.assertEqual(y[0], 1 / (1 + np.exp(-np.float64(x[0]))))


if __name__ == "__main__":
    absltest.main()
