"""Tests of where gates cost least."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0 import gates
from keras_l0.gating.channel_flow import ChannelFlow
from keras_l0.gating.placement import cheapest
from keras_l0.gating.sites import find_gate_sites
from keras_l0.graph import read_graph
from tests import test_util
from tests.surgery import random_values

_GATE = gates.HardConcrete()


def chain(*behind):
    """A network whose first layer has `behind` behind it."""
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, name="made"),
            *behind,
            layers.Conv2D(3, 1, name="top"),
        ]
    )


def gated_layer(model, gate=_GATE):
    """Name of the layer whose output the first gates multiply."""
    site = find_gate_sites(model)[0]
    return cheapest(ChannelFlow(read_graph(model)), site, gate).behind


class Shifted(layers.ReLU):
    """A ReLU that is none."""

    def call(self, inputs):
        return super().call(inputs) + 1.0


def norm(**kwargs):
    return layers.BatchNormalization(name="norm", **kwargs)


class CheapestTest(test_util.TestCase):
    @parameterized.named_parameters(
        ("relu", lambda: layers.ReLU()),
        ("sloped_relu", lambda: layers.ReLU(negative_slope=0.2)),
        ("activation", lambda: layers.Activation("relu")),
        ("leaky_activation", lambda: layers.Activation("leaky_relu")),
        ("leaky_relu", lambda: layers.LeakyReLU()),
        ("prelu", lambda: layers.PReLU()),
    )
    def test_what_factors_pass(self, activation):
        self.assertEqual(gated_layer(chain(activation())), "made")
        self.assertEqual(gated_layer(chain(norm(), activation())), "norm")

    @parameterized.named_parameters(
        ("capped", lambda: layers.ReLU(6.0, name="end")),
        ("threshold", lambda: layers.ReLU(threshold=0.5, name="end")),
        ("elu", lambda: layers.ELU(name="end")),
        ("activation", lambda: layers.Activation("tanh", name="end")),
        ("subclass", lambda: Shifted(name="end")),
        (
            "regularized",
            lambda: layers.ReLU(activity_regularizer="l2", name="end"),
        ),
    )
    def test_what_factors_do_not_pass(self, activation):
        self.assertEqual(gated_layer(chain(norm(), activation())), "end")

    def test_layers_without_weights_to_multiply(self):
        def relu():
            return layers.ReLU(name="end")

        self.assertEqual(gated_layer(chain(norm(scale=False), relu())), "end")
        self.assertEqual(gated_layer(chain(norm(center=False), relu())), "norm")

        class Odd(layers.BatchNormalization):
            pass

        self.assertEqual(gated_layer(chain(Odd(), relu())), "end")
        regularized = norm()
        regularized.activity_regularizer = keras.regularizers.L2()
        self.assertEqual(gated_layer(chain(regularized, relu())), "end")

    def test_dropout_ends_the_search(self):
        model = chain(norm(), layers.Dropout(0.1), layers.ReLU(name="end"))
        self.assertEqual(gated_layer(model), "end")

    @parameterized.parameters(
        (gates.HardConcrete(), "norm"),
        (gates.DependentHardConcrete(), "norm"),
        (gates.ARM(), "norm"),
        (gates.DiffPrune(noise=0.5), "norm"),
        (gates.DiffPrune(), "end"),
        (gates.StraightThrough(), "end"),
    )
    def test_families_that_learn_from_closed_gates_stay_behind(self, gate, end):
        model = chain(norm(), layers.ReLU(name="end"))
        self.assertEqual(gated_layer(model, gate), end)

    def test_layer_of_two_calls(self):
        shared = layers.Dense(4, name="shared")
        x, z = keras.Input((3,)), keras.Input((3,))
        y = layers.ReLU(name="first")(shared(x))
        w = layers.Dense(2)(layers.ReLU(name="second")(shared(z)))
        model = keras.Model([x, z], [layers.Dense(2)(y), w])
        self.assertIn(gated_layer(model), ("first", "second"))

    def test_heads_stay(self):
        x = keras.Input((4, 6))
        y = layers.MultiHeadAttention(3, 2, name="attention")(x, x)
        model = keras.Model(x, layers.Dense(2)(y))
        self.assertEqual(gated_layer(model), "attention")


class PlacedGatesTest(test_util.TestCase):
    def _networks(self):
        """One network whose gates are placed, and one gated by hand."""
        dense = chain(norm(), layers.ReLU(name="end"))
        random_values.widen(dense, np.random.default_rng(0))
        placed = keras_l0.add_gates(dense, _GATE)
        by_hand = chain(
            norm(), keras_l0.L0Gate(layers.ReLU(), _GATE, name="by_hand")
        )
        by_hand = keras_l0.L0Model.from_model(by_hand)
        for one, other in zip(
            [w for w in placed.weights if w.name != "logits"],
            [w for w in by_hand.weights if w.name != "logits"],
            strict=True,
        ):
            other.assign(one)
        logits = [2.0, 0.3, -0.4, -9.0]  # the last is closed in every draw
        vectors = []
        for model in (placed, by_hand):
            (vector,) = keras_l0.layers.gate_vectors(model).values()
            vector.logits.assign(logits)
            vectors.append(vector)
        state = vectors[0].seed_generator.state
        vectors[1].seed_generator.state.assign(state)
        return placed, by_hand

    @parameterized.parameters(True, False)
    def test_outputs_and_gradients_are_the_same(self, training):
        placed, by_hand = self._networks()
        self.assertIsInstance(
            placed.get_layer("norm_gated").layer, layers.BatchNormalization
        )
        x = np.random.default_rng(1).normal(size=(8, 6, 6, 2))
        found = []
        for model in (placed, by_hand):
            with tf.GradientTape() as tape:
                y = model(tf.constant(x, tf.float32), training=training)
                loss = tf.reduce_sum(y**2)
            weights = sorted(
                model.trainable_weights, key=lambda w: (w.name, *w.shape)
            )
            found.append((y, tape.gradient(loss, weights)))
        (y, gradients), (expected, by_hands) = found
        self.assertAllClose(y, expected, rtol=1e-5, atol=1e-5)
        self.assertLen(gradients, 7)
        for one, other in zip(gradients, by_hands, strict=True):
            self.assertAllClose(one, other, rtol=1e-4, atol=1e-4)

    def test_strip_puts_open_gates_into_the_normalization(self):
        placed, _ = self._networks()
        small = keras_l0.strip_gates(placed)
        self.assertEqual(
            [type(layer).__name__ for layer in small.layers],
            ["InputLayer", "Conv2D", "BatchNormalization", "ReLU", "Conv2D"],
        )
        x = np.random.default_rng(1).normal(size=(8, 6, 6, 2))
        self.assertEqual(small.get_layer("norm").gamma.shape, (3,))
        self.assertAllClose(small(x), placed(x), rtol=1e-5, atol=1e-5)


if __name__ == "__main__":
    absltest.main()
