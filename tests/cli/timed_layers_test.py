"""Tests of the choice of layers to time."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.cli import timed_layers
from keras_l0.cli.command import TaskError
from tests import test_util


def model():
    images = keras.Input((9, 9, 4), name="images")
    x = keras.layers.Conv2D(8, 3, padding="same", name="conv")(images)
    x = keras_l0.L0Gate(keras.layers.ReLU(), name="gate")(x)
    x = keras.layers.DepthwiseConv2D(3, name="depthwise")(x)
    x = keras.layers.Conv2D(6, 3, groups=2, name="grouped")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras_l0.L0Gate(keras.layers.Dense(5, name="hidden"), name="g")(x)
    return keras.Model(images, keras.layers.Dense(2, name="top")(x))


class ChooseTest(test_util.TestCase):
    def test_most_expensive(self):
        (found,) = timed_layers.choose(model(), None, False)
        self.assertEqual((found.name, found.key), ("conv", "filters"))
        self.assertEqual((found.width, found.input_shape), (8, IMAGES))

    def test_every_layer_with_a_width(self):
        found = timed_layers.choose(model(), None, True)
        self.assertLen(found, 4)
        self.assertEqual([layer.width for layer in found], [8, 6, 5, 2])

    def test_by_name(self):
        (found,) = timed_layers.choose(model(), "top", False)
        self.assertEqual((found.key, found.width), ("units", 2))

    def test_unknown_name_raises(self):
        with self.assertRaisesRegex(
            TaskError, "fits no layer. Did you mean `conv`.*Received: convv"
        ):
            timed_layers.choose(model(), "convv", False)

    def test_layer_without_a_width_raises(self):
        for name, kind in (
            ("depthwise", "DepthwiseConv2D"),
            ("flat", "Flatten"),
        ):
            with self.assertRaisesRegex(
                TaskError, rf"'{name}' \({kind}\) has no width"
            ):
                timed_layers.choose(model(), name, False)

    def test_model_without_such_layers_raises(self):
        flat = keras.Sequential([keras.Input((2, 2)), keras.layers.Flatten()])
        with self.assertRaisesRegex(TaskError, "No layer has a width"):
            timed_layers.choose(flat, None, False)


class NetworkTest(test_util.TestCase):
    @parameterized.parameters(
        (keras.layers.Conv2D(8, 3, activation="relu"), (7, 7, 4)),
        (keras.layers.SeparableConv1D(8, 3), (7, 4)),
        (keras.layers.Conv2DTranspose(8, 3, strides=2), (7, 7, 4)),
        (keras.layers.Dense(8, use_bias=False), (4,)),
        (keras.layers.LSTM(8), (7, 4)),
    )
    def test_same_layer_at_another_width(self, layer, shape):
        inputs = keras.Input(shape)
        source = keras.Model(inputs, layer(inputs))
        (timed,) = timed_layers.choose(source, None, False)
        network = timed.network(3)
        self.assertEqual(network.inputs[0].shape, (1, *shape))
        expected = (1, *layer.compute_output_shape((None, *shape))[1:-1], 3)
        self.assertEqual(network.outputs[0].shape, expected)
        self.assertEqual(timed.network(8).count_params(), layer.count_params())

    def test_width_that_the_layer_cannot_have_raises(self):
        (timed,) = timed_layers.choose(model(), "grouped", False)
        with self.assertRaisesRegex(
            TaskError, r"'grouped' \(Conv2D\) cannot be built at width 5"
        ):
            timed.network(5)


IMAGES = (None, 9, 9, 4)

if __name__ == "__main__":
    absltest.main()
