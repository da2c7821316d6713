"""Tests for the loss of a step in shares of examples."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.layers import gate_layers
from keras_l0.training.draws import Draws
from keras_l0.training.example_losses import example_losses
from keras_l0.training.example_losses import splitter
from tests import test_util

Y = np.array([[0.0, 1.0], [2.0, 2.0], [1.0, 0.0]], "float32")
PRED = np.array([[1.0, 1.0], [0.0, 2.0], [1.0, 3.0]], "float32")


def compiled(loss):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", loss)
    return model


class ExampleLossesTest(test_util.TestCase):
    @parameterized.parameters("mse", keras.losses.MeanSquaredError())
    def test_shares_add_up_where_examples_are_alone(self, loss):
        model, weight = compiled(loss), np.array([1.0, 2.0, 0.5], "float32")
        for given in (None, weight):
            total = model.compute_loss(None, Y, PRED, given)
            shares = example_losses(model, Y, PRED, given, total)
            scaled = np.ones(3) if given is None else given
            known = scaled * np.mean((Y - PRED) ** 2, axis=1) / 3
            self.assertAllClose(shares, known)
            self.assertAllClose(tf.reduce_sum(shares), total)

    def test_other_losses_go_into_every_share(self):
        model = compiled("mse")
        total = np.mean((Y - PRED) ** 2) + 10.0
        shares = example_losses(model, Y, PRED, None, tf.constant(total))
        self.assertAllClose(shares, np.mean((Y - PRED) ** 2, axis=1) / 3 + 10)

    def test_refuses_what_it_cannot_split(self):
        summed = compiled(keras.losses.MeanSquaredError(reduction="sum"))
        for model, pred in ((summed, PRED), (compiled("mse"), [PRED, PRED])):
            with self.assertRaisesRegex(ValueError, "one output and one loss"):
                example_losses(model, Y, pred, None, tf.constant(0.0))

    @parameterized.parameters((True, False), (False, False), (True, True))
    def test_only_draws_per_example_are_split(self, per_example, coupled):
        inputs = keras.Input((2,))
        shape = (None, 2) if per_example else None
        layer = keras.layers.Dense(2)
        x = keras_l0.L0Gate(layer, "arm", noise_shape=shape)(inputs)
        if coupled:
            x = keras.layers.BatchNormalization()(x)
        model = keras_l0.L0Model(inputs, x)
        model.compile("sgd", "mse")
        draws = Draws(gate_layers(model), 3)
        split = splitter(model, draws, Y, PRED, None)
        shape = split(tf.constant(1.0)).shape
        self.assertEqual(shape, [3] if per_example and not coupled else [])


if __name__ == "__main__":
    absltest.main()
