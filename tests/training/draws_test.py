"""Tests for the fused draws of a step."""

from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

import keras_l0
from keras_l0 import gates
from keras_l0.layers import gate_layers
from keras_l0.training import draws
from keras_l0.training.draws import Draws
from tests import test_util

SCHEDULE = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 1.0])


def model(families, **kwargs):
    inputs = keras.Input((3,))
    x = inputs
    for number, family in enumerate(families):
        layer = keras.layers.Dense(number + 2)
        x = keras_l0.L0Gate(layer, family, **kwargs)(x)
    return keras_l0.L0Model(inputs, x)


class DrawsTest(test_util.TestCase):
    def test_gates_are_those_of_each_family(self):
        families = [
            "hard_concrete",
            "arm",
            gates.HardConcrete(temperature=SCHEDULE),
            "straight_through",
            "hard_concrete",
            gates.DiffPrune(noise=0.4),
            "arm",
        ]
        layers = gate_layers(model(families))
        drawn = Draws(layers, 5)
        found = drawn.gates()
        self.assertLen(found, 7)
        for layer in layers:
            vector = layer.gate_vector
            key = (id(vector), False)
            alone = vector.gates_of(drawn._uniforms.get(key))
            self.assertEqual(found[key].shape, (vector.num_gates,))
            # Joined, XLA or not, each number is computed alike.
            self.assertAllClose(found[key], alone, rtol=1e-6, atol=1e-7)

    def test_large_vectors_are_transformed_alone(self):
        layers = gate_layers(model(["hard_concrete"] * 3))  # 2, 3, 4 gates
        found = Draws(layers, 1)
        calls = mock.patch.object(draws, "_sample", wraps=draws._sample)
        with calls as together:
            expected = found.gates()
        with mock.patch.object(draws, "_MOST_TOGETHER", 3), calls as apart:
            apart_gates = found.gates()
        sizes = [
            [[piece.shape[0] for piece in call.args[1]] for call in each]
            for each in (together.call_args_list, apart.call_args_list)
        ]
        self.assertEqual(sizes[0], [[2, 3, 4]])
        self.assertCountEqual(sizes[1], [[2, 3], [4]])
        for key, value in expected.items():
            self.assertAllClose(apart_gates[key], value, rtol=1e-6, atol=1e-7)

    def test_vectors_are_drawn_independently(self):
        layers = gate_layers(model(["hard_concrete"] * 2))
        first, second = zip(
            *(
                [z.numpy()[0] for z in Draws(layers, 1).gates().values()]
                for _ in range(2000)
            ),
            strict=True,
        )
        first, second = np.array(first), np.array(second)
        product = (first - np.mean(first)) * (second - np.mean(second))
        self.assert_mean_close(product[:, np.newaxis], 0.0)

    def test_every_example_has_a_draw_on_request(self):
        inputs = keras.Input((3,))
        layer = keras_l0.L0Gate(
            keras.layers.Dense(4), "arm", noise_shape=(None, 4)
        )
        layers = gate_layers(keras_l0.L0Model(inputs, layer(inputs)))
        (z,) = Draws(layers, 6).gates().values()
        self.assertEqual(z.shape, (6, 4))
        self.assertNotAllEqual(z[1:], z[:-1])

    def test_antithetic_gates_mirror_binary_ones_only(self):
        layers = gate_layers(model(["arm", "hard_concrete"]))
        draws = Draws(layers, 1)
        main, other = draws.gates(), draws.gates(antithetic=True)
        arm, hard = [(id(la.gate_vector), False) for la in layers]
        u = draws._uniforms[arm].numpy()
        prob = layers[0].gate_vector.prob_nonzero().numpy()
        self.assertAllEqual(main[arm], u > 1 - prob)
        self.assertAllEqual(other[arm], 1 - u > 1 - prob)
        self.assertAllEqual(main[hard], other[hard])

    def test_seed_advances_once(self):
        layers = gate_layers(model(["hard_concrete"] * 3))
        Draws(layers, 1)
        states = [la.gate_vector.seed_generator.state.numpy() for la in layers]
        self.assertEqual([int(state[1]) for state in states], [1, 0, 0])

    def test_frozen_vectors_are_left_out(self):
        layers = gate_layers(model(["hard_concrete"] * 2))
        layers[0].gate_vector.trainable = False
        self.assertLen(Draws(layers, 1).gates(), 1)

    def test_surrogate_has_the_estimated_gradient(self):
        layers = gate_layers(model(["arm"]))
        vector = layers[0].gate_vector
        with tf.GradientTape() as tape:
            draws = Draws(layers, 1)
            value = draws.surrogate(tf.constant(2.0), tf.constant(0.5))
        gradient = tape.gradient(value, vector.logits.value)
        (u,) = draws._uniforms.values()
        self.assertAllClose(
            gradient,
            vector.gate.logits_gradient(vector.logits.value, u, 2.0, 0.5),
        )


if __name__ == "__main__":
    absltest.main()
