"""Tests for GateChain."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0 import gates
from keras_l0.layers.gate_chain import GateChain
from tests import test_util

SIZES = (3, 2, 4)


def vectors(direction="forward", **kwargs):
    gate = gates.DependentHardConcrete(direction, **kwargs)
    made = [keras_l0.GateVector(gate) for _ in SIZES]
    for vector, size in zip(made, SIZES, strict=True):
        vector.build((size,))
        vector.logits.assign(np.linspace(-0.5, 0.8, size))
    return made


class GateChainTest(test_util.TestCase):
    @parameterized.parameters("forward", "backward")
    def test_logits_follow_the_chain(self, direction):
        made = vectors(direction)
        chain = GateChain(made)
        order = made if direction == "forward" else made[::-1]
        previous = np.ones(order[0].num_gates)
        for vector, kernel in zip(order, chain.kernels, strict=True):
            previous = np.log(100) * np.tanh(
                previous @ kernel.numpy() + vector.logits.numpy()
            )
            self.assertAllClose(
                vector.effective_logits(), previous, rtol=1e-5, atol=1e-5
            )

    @parameterized.parameters("forward", "backward")
    def test_gradients_reach_what_comes_before(self, direction):
        made = vectors(direction)
        chain = GateChain(made)
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(made[1].effective_logits())
        kernels = [kernel.value for kernel in chain.kernels]
        first, second, third = tape.gradient(value, kernels)
        self.assertGreater(np.abs(first).max(), 0)
        self.assertGreater(np.abs(second).max(), 0)
        self.assertIsNone(third)

    @parameterized.parameters("forward", "backward")
    def test_previous_is_the_layer_before(self, direction):
        made = vectors(direction)
        chain = GateChain(made)
        self.assertIsNone(chain.previous(made[0]))
        self.assertIs(chain.previous(made[1]), made[0])
        self.assertIs(chain.previous(made[2]), made[1])
        self.assertIsNone(made[0].previous_open())
        self.assertAllClose(
            made[1].previous_open(), tf.reduce_sum(made[0].prob_nonzero())
        )

    def test_open_start_ignores_the_layers_before(self):
        made = vectors(start="open")
        GateChain(made)
        for vector in made:
            self.assertAllClose(
                vector.effective_logits(),
                np.log(100) * np.tanh(vector.logits.numpy()),
            )

    def test_refuses_what_makes_no_chain(self):
        with self.assertRaisesRegex(ValueError, "must not be empty"):
            GateChain([])
        plain = keras_l0.GateVector()
        plain.build((2,))
        with self.assertRaisesRegex(ValueError, "do not depend"):
            GateChain([plain])
        with self.assertRaisesRegex(ValueError, "of one family"):
            GateChain([vectors()[0], vectors("backward")[0]])
        made = vectors()
        GateChain(made)
        with self.assertRaisesRegex(ValueError, "chain of another model"):
            GateChain(made)


if __name__ == "__main__":
    absltest.main()
