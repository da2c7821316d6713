"""Tests for copies of models."""

import keras
from absl.testing import absltest
from keras import layers

from keras_l0.graph import read_graph
from keras_l0.surgery.copy_model import copy_model
from tests.surgery.strip_test_case import StripTestCase


class CopyModelTest(StripTestCase):
    def model(self):
        x = keras.Input((4,))
        shared = layers.Dense(4, name="shared")
        y = shared(layers.ReLU(name="relu")(shared(x)))
        return self.finish(x, layers.LayerNormalization()(y))

    def test_copy_is_equal_and_apart(self):
        model = self.model()
        names = []
        copy = copy_model(
            read_graph(model), "copy", lambda name, la: names.append(name) or la
        )
        self.assert_same_function(model, copy, self.data(model))
        self.assertFalse(
            {id(v) for v in model.variables} & {id(v) for v in copy.variables}
        )
        self.assertEqual(copy.name, "copy")
        self.assertEqual(
            names, ["shared", "relu", "shared_1", "layer_normalization"]
        )

    def test_layers_can_be_wrapped(self):
        model = self.model()
        wrapped = []

        def wrap(name, layer):
            if name != "relu":
                return layer
            wrapped.append(layer)
            return lambda x: layer(x) * 0.0

        copy = copy_model(read_graph(model), "copy", wrap)
        self.assertLen(wrapped, 1)
        self.assertNotAllClose(copy(self.data(model)), model(self.data(model)))


if __name__ == "__main__":
    absltest.main()
