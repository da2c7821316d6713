"""Tests of the choice of gated weights.

What the targets compute is tested in l0_gate_layers_test.py.
"""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from keras import layers

import keras_l0
from keras_l0.layers import targets
from tests.layers.layer_test_case import LayerTestCase

X = np.ones((2, 4), "float32")


def paths(gate):
    return [weight.path for weight in gate.target.weights]


class WeightsTargetTest(LayerTestCase):
    def test_layer_without_weights(self):
        for layer in (layers.ReLU(name="r"), layers.Flatten(name="r")):
            gate = keras_l0.L0Gate(layer, on="weights")
            with self.assertRaisesRegex(
                ValueError,
                "`on='weights'` needs a layer with weights other than biases. "
                rf"Received: layer='r' \({type(layer).__name__}\)",
            ):
                gate.build(X.shape)

    def test_biases_and_statistics_are_not_gated(self):
        gate = keras_l0.L0Gate(layers.BatchNormalization(), on="weights")
        gate.build(X.shape)
        (path,) = paths(gate)
        self.assertEndsWith(path, "/gamma")

    def test_weights_of_frozen_layer_stay_gated(self):
        gate = self.gate(layers.Dense(3), X, on="weights")
        gate.gate_vector.logits.assign(-1000 * np.ones(12))
        for freeze in (gate.layer, gate):
            freeze.trainable = False
            self.assertAllEqual(gate(X), np.zeros((2, 3)))
            self.assertAllEqual(gate(X, training=True), np.zeros((2, 3)))

    def test_layer_may_be_frozen_before_build(self):
        gate = keras_l0.L0Gate(layers.Dense(3, trainable=False), on="weights")
        gate.build(X.shape)
        self.assertEqual(gate.gate_vector.num_gates, 12)

    def test_logits_of_a_nested_gate_are_not_gated(self):
        inner = keras_l0.L0Gate(layers.Dense(3, name="d"), name="inner")
        gate = keras_l0.L0Gate(inner, on="weights", name="outer")
        gate.build(X.shape)
        self.assertEqual(paths(gate), ["outer/inner/d/kernel"])

    def test_variable_of_another_layer_may_be_called_logits(self):
        class Table(layers.Layer):
            def build(self, input_shape):
                self.logits = self.add_weight(shape=(4,), name="logits")

            def call(self, inputs):
                return inputs * self.logits

        gate = keras_l0.L0Gate(Table(), on="weights")
        gate.build(X.shape)
        self.assertEqual(gate.gate_vector.num_gates, 4)

    def test_shared_variable_is_gated_once(self):
        class Twice(layers.Layer):
            def __init__(self):
                super().__init__()
                dense = layers.Dense(4, use_bias=False)
                self.parts = [dense, keras.Sequential([dense])]

            def build(self, input_shape):
                self.parts[0].build(input_shape)

            def call(self, inputs):
                return self.parts[0](self.parts[1](inputs))

        gate = keras_l0.L0Gate(Twice(), on="weights")
        gate(X)
        self.assertEqual(gate.gate_vector.num_gates, 16)

    def test_variable_assigned_in_the_call(self):
        # Spectral normalization writes the kernel that is gated.
        layer = layers.SpectralNormalization(layers.Dense(3))
        gate = keras_l0.L0Gate(layer, on="weights")
        with self.assertRaisesRegex(
            RuntimeError, "/kernel' is gated and assigned in the same call"
        ):
            gate(X, training=True)

    def test_gated_lists_every_weight_with_its_product(self):
        gate = self.gate(
            layers.SeparableConv1D(4, 2), np.ones((2, 5, 3)), on="weights"
        )
        z = np.linspace(0, 1, 6 + 12, dtype="float32")
        (depthwise, first), (pointwise, second) = gate.target.gated(
            tf.constant(z)
        )
        layer = gate.layer
        self.assertIs(depthwise, layer.depthwise_kernel)
        self.assertIs(pointwise, layer.pointwise_kernel)
        self.assertAllClose(
            first, depthwise.numpy() * z[:6].reshape(depthwise.shape)
        )
        self.assertAllClose(
            second, pointwise.numpy() * z[6:].reshape(pointwise.shape)
        )


class TargetsTest(absltest.TestCase):
    def test_one_target_for_each_choice(self):
        for on, cls in targets.TARGETS.items():
            self.assertTrue(issubclass(cls, targets.Target))
            self.assertEqual(cls.__name__, f"{on.capitalize()}Target")
            self.assertEqual(cls.on, on)


if __name__ == "__main__":
    absltest.main()
