"""Tests of how gates are folded into what comes before them."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.graph import Scale
from keras_l0.graph import read_graph
from keras_l0.surgery.alignment import align
from keras_l0.surgery.folding import fold_gates
from tests.surgery.strip_test_case import StripTestCase

GATES = np.array([0.0, 0.5, 1.0])


class FoldingTest(StripTestCase):
    def fold(self, x, y):
        """Folds; the gates that are left, by name."""
        self.model = self.finish(x, y)
        self.aligned = align(read_graph(self.model))
        fold_gates(self.aligned)
        return {
            call.layer.name: call.layer.gates
            for call in self.aligned.calls
            if isinstance(call.layer, Scale)
        }

    def weights(self, name):
        (call,) = (c for c in self.aligned.calls if c.node.name == name)
        return call.weights

    def gated(self, layer, gates=GATES, **kwargs):
        return self.gate(layer, gates, name="gate", **kwargs)

    def assert_folded(self, left, name, keys):
        self.assertAllEqual(left["gate"], np.ones(3))
        layer = next(
            w for w in self.model.layers if w.name in (name, "gate", "inner")
        )
        layer = getattr(layer, "layer", layer)
        for key, value in self.weights(name).items():
            own = next(v for v in layer.weights if v.name == key).numpy()
            expected = own * (GATES if key in keys else 1.0)
            self.assertAllClose(value, expected, rtol=1e-6)

    @parameterized.parameters("linear", "relu", "leaky_relu")
    def test_into_the_gated_layer(self, activation):
        x = keras.Input((4,))
        layer = layers.Dense(3, activation=activation, name="dense")
        left = self.fold(x, self.gated(layer)(x))
        self.assert_folded(left, "dense", {"kernel", "bias"})

    @parameterized.parameters("gelu", "sigmoid", "softmax")
    def test_not_through_activations_that_bend(self, activation):
        x = keras.Input((4,))
        layer = layers.Dense(3, activation=activation)
        left = self.fold(x, self.gated(layer)(x))
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_through_layers_that_commute(self):
        x = keras.Input((6, 4))
        y = layers.Conv1D(3, 2, name="conv")(x)
        y = layers.Dropout(0.5)(layers.LeakyReLU()(y))
        y = self.gated(layers.MaxPooling1D())(y)
        left = self.fold(x, layers.Dense(2)(y))
        self.assertAllEqual(left["gate"], np.ones(3))
        self.assertAllEqual(
            self.weights("conv")["kernel"][..., 0], np.zeros((2, 4))
        )

    def test_into_gamma_and_beta(self):
        x = keras.Input((4, 3))
        layer = layers.BatchNormalization(name="norm")
        left = self.fold(x, self.gated(layer)(x))
        self.assert_folded(left, "norm", {"gamma", "beta"})

    def test_not_through_batch_normalization(self):
        x = keras.Input((4,))
        y = layers.Dense(3, name="dense")(x)
        y = self.gated(layers.BatchNormalization(scale=False))(y)
        left = self.fold(x, y)
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_not_where_somebody_else_reads_the_tensor(self):
        x = keras.Input((4,))
        y = layers.Dense(3)(x)
        left = self.fold(x, [self.gated(layers.ReLU())(y), y])
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_not_where_the_tensor_is_read_twice(self):
        x = keras.Input((4,))
        y = layers.Dense(3)(x)
        left = self.fold(
            x, layers.Add()([self.gated(layers.ReLU())(y), layers.Dense(3)(y)])
        )
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_not_into_a_layer_that_is_called_twice(self):
        x = keras.Input((4,))
        dense = layers.Dense(3)
        left = self.fold(x, [self.gated(layers.ReLU())(dense(x)), dense(x)])
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_not_into_model_inputs(self):
        x = keras.Input((3,))
        left = self.fold(x, self.gated(layers.Dense(2), on="inputs")(x))
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_not_through_flatten_where_features_are_no_channels(self):
        x = keras.Input((3, 1))
        y = layers.Conv1D(1, 1)(x)
        left = self.fold(x, self.gated(layers.Flatten())(y))
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_through_flatten_where_they_are(self):
        x = keras.Input((2, 4))
        y = layers.Conv1D(3, 2, name="conv")(x)
        left = self.fold(x, self.gated(layers.Flatten())(y))
        self.assertAllEqual(left["gate"], np.ones(3))

    def test_gates_along_another_axis_stay(self):
        x = keras.Input((3, 3))
        left = self.fold(x, self.gated(layers.Dense(3), axis=1)(x))
        self.assertAllClose(left["gate"], GATES, rtol=1e-6)

    def test_two_gates_on_one_layer(self):
        x = keras.Input((4,))
        first = self.gate(layers.Dense(3, name="dense"), [0.5, 1, 1], name="a")
        second = self.gate(layers.ReLU(), [0.5, 1, 0], name="b")
        left = self.fold(x, second(first(x)))
        self.assertAllEqual(left["a"], np.ones(3))
        self.assertAllEqual(left["b"], np.ones(3))
        kernel = self.model.get_layer("a").layer.kernel.numpy()
        self.assertAllClose(
            self.weights("dense")["kernel"], kernel * [0.25, 1, 0], rtol=1e-6
        )

    def test_the_source_is_not_touched(self):
        x = keras.Input((4,))
        self.fold(x, self.gated(layers.Dense(3, name="dense"))(x))
        kernel = self.model.get_layer("gate").layer.kernel.numpy()
        self.assertNotAllClose(kernel, self.weights("dense")["kernel"])


if __name__ == "__main__":
    absltest.main()
