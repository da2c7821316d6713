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
    return cheapest(ChannelFlow(read_graph(model)), site, gate).site.behind


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


def pooled(*behind, last="flatten"):
    """A network whose first layer, with a ReLU, has `behind` behind it."""
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, activation="relu", name="made"),
            *behind,
            layers.Flatten(name=last),
            layers.Dense(3, name="top"),
        ]
    )


class BehindPoolingTest(test_util.TestCase):
    @parameterized.parameters(
        (gates.DiffPrune(), "pool"),
        (gates.StraightThrough(), "pool"),
        (gates.HardConcrete(), "made"),
        (gates.ARM(), "made"),
    )
    def test_families_that_learn_from_closed_gates(self, gate, end):
        model = pooled(layers.MaxPooling2D(name="pool"))
        self.assertEqual(gated_layer(model, gate), end)

    @parameterized.named_parameters(
        ("max", lambda: layers.MaxPooling2D(name="pool")),
        ("same", lambda: layers.MaxPooling2D(padding="same", name="pool")),
        ("average", lambda: layers.AveragePooling2D(2, name="pool")),
        ("global_max", lambda: layers.GlobalMaxPooling2D(name="pool")),
        ("global", lambda: layers.GlobalAveragePooling2D(name="pool")),
    )
    def test_kinds_of_pooling(self, pool):
        model = pooled(pool())
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "pool")
        gated = keras_l0.add_gates(model, "diff_prune")
        self.assertIsInstance(
            gated.get_layer("pool_gated").layer, type(model.get_layer("pool"))
        )

    def test_other_ranks(self):
        for rank, (conv, pool) in {
            1: (layers.Conv1D, layers.MaxPooling1D),
            3: (layers.Conv3D, layers.GlobalAveragePooling3D),
        }.items():
            model = keras.Sequential(
                [
                    keras.Input((*(6,) * rank, 2)),
                    conv(4, 3),
                    layers.ReLU(),
                    pool(name="pool"),
                    layers.Flatten(),
                    layers.Dense(3),
                ]
            )
            self.assertEqual(gated_layer(model, gates.DiffPrune()), "pool")

    def test_last_of_several(self):
        model = pooled(
            layers.MaxPooling2D(), layers.GlobalAveragePooling2D(name="pool")
        )
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "pool")

    def test_units_on_the_first_axis(self):
        x = keras.Input((2, 6, 6))
        args = {"data_format": "channels_first"}
        y = layers.Conv2D(4, 3, activation="relu", name="made", **args)(x)
        right = layers.MaxPooling2D(name="pool", **args)(y)
        model = keras.Model(x, layers.Dense(3)(layers.Flatten()(right)))
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "pool")
        mixing = layers.MaxPooling2D(data_format="channels_last")(y)
        model = keras.Model(x, layers.Dense(3)(layers.Flatten()(mixing)))
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "made")

    @parameterized.named_parameters(
        (
            "regularized",
            lambda: layers.AveragePooling2D(2, activity_regularizer="l2"),
        ),
        ("dropout", lambda: layers.Dropout(0.1)),
        ("subclass", lambda: Halved()),
    )
    def test_what_gates_do_not_pass(self, layer):
        model = pooled(layer(), layers.MaxPooling2D(name="pool"))
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "made")

    def test_other_readers(self):
        x = keras.Input((6, 6, 2))
        y = layers.Conv2D(4, 3, activation="relu", name="made")(x)
        z = layers.Flatten()(layers.MaxPooling2D()(y))
        model = keras.Model(
            x, layers.Dense(3)(layers.Concatenate()([z, layers.Flatten()(y)]))
        )
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "made")

    def test_pooling_of_two_calls(self):
        pool = layers.MaxPooling2D(name="pool")
        x = keras.Input((9, 9, 2))
        y = pool(layers.Conv2D(4, 3, activation="relu", name="made")(x))
        y = pool(layers.Conv2D(4, 2, activation="relu")(y))
        model = keras.Model(x, layers.Dense(3)(layers.Flatten()(y)))
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "made")

    def test_recurrent_layers_gate_their_state(self):
        model = keras.Sequential(
            [
                keras.Input((5, 3)),
                layers.LSTM(4, return_sequences=True, name="made"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(2),
            ]
        )
        self.assertEqual(gated_layer(model, gates.DiffPrune()), "made")


class Halved(layers.MaxPooling2D):
    """Not only a pooling."""

    def call(self, inputs):
        return super().call(inputs) / 2 + 1.0


class PooledGatesTest(test_util.TestCase):
    def _pair(self, l0=None, last=-0.2):
        """The gates behind the pooling, and by hand in front of it."""
        keras.utils.set_random_seed(0)
        gate = gates.DiffPrune(transform="clip", initial=1.0)
        dense = pooled(layers.MaxPooling2D(name="pool"))
        moved = keras_l0.add_gates(dense, gate, l0)
        x = keras.Input((6, 6, 2))
        y = keras_l0.L0Gate(dense.get_layer("made"), gate, l0)(x)
        for layer in dense.layers[1:]:
            y = layer(y)
        by_hand = keras_l0.L0Model(x, y)
        for model in (moved, by_hand):
            (vector,) = keras_l0.layers.gate_vectors(model).values()
            vector.logits.assign([1.0, 0.6, 0.3, last])
        return moved, by_hand

    def _outputs_and_gradients(self, model):
        x = np.random.default_rng(1).normal(size=(8, 6, 6, 2))
        with tf.GradientTape() as tape:
            y = model(tf.constant(x, tf.float32), training=True)
            loss = tf.reduce_sum(y**2)
        weights = sorted(
            model.trainable_weights, key=lambda w: (w.name, *w.shape)
        )
        return y, *tape.gradient(loss, weights)

    def test_outputs_and_gradients_are_the_same(self):
        found = [self._outputs_and_gradients(m) for m in self._pair(last=0.1)]
        self.assertLen(found[0], 6)
        for one, other in zip(*found, strict=True):
            self.assertAllClose(one, other, rtol=1e-5, atol=1e-5)

    def test_closed_gate_has_the_gradient_that_leads_on(self):
        # In front of it all values are 0, and the pooling takes any of them.
        moved, by_hand = self._pair(last=0.0)
        closed = self._outputs_and_gradients(moved)
        self.assertAllClose(closed[0], self._outputs_and_gradients(by_hand)[0])
        opening, _ = self._pair(last=1e-5)
        ahead = self._outputs_and_gradients(opening)
        for one, other in zip(closed[1:], ahead[1:], strict=True):
            self.assertAllClose(one, other, rtol=1e-3, atol=1e-3)

    def test_units_cost_what_they_did(self):
        steps = keras.optimizers.schedules.PolynomialDecay(1e-3, 10, 1e-4)
        for l0 in (1e-3, steps):
            penalties = []
            for model in self._pair(l0):
                model.compile("sgd", "mse", gate_optimizer="sgd")
                x, y = np.ones((2, 6, 6, 2)), np.ones((2, 3))
                history = model.fit(x, y, epochs=2, verbose=0).history
                penalties.append(history["penalty"])
            self.assertAllClose(*penalties, rtol=1e-5)
            # 3 * 3 * 2 weights and an offset for each of about 3 gates.
            self.assertBetween(penalties[0][0], 19e-3 * 2, 19e-3 * 4)

    def test_strip_removes_the_units_in_front_of_the_pooling(self):
        moved, _ = self._pair()
        small = keras_l0.strip_gates(moved)
        self.assertEqual(small.get_layer("made").kernel.shape, (3, 3, 2, 3))
        x = np.random.default_rng(1).normal(size=(8, 6, 6, 2))
        self.assertAllClose(small(x), moved(x), rtol=1e-5, atol=1e-5)

    def test_price_is_checked_first(self):
        with self.assertRaisesRegex(TypeError, "`l0` must be .*'high'"):
            keras_l0.add_gates(
                pooled(layers.MaxPooling2D()), "diff_prune", "high"
            )


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
