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


class SizeTest(test_util.TestCase):
    @parameterized.parameters(([2**15, 2**13 + 1],), ([2**14 + 1],))
    def test_kernels_that_are_too_large(self, sizes):
        made = [keras_l0.GateVector("dependent", name="many") for _ in sizes]
        for vector, size in zip(made, sizes, strict=True):
            vector.build((size,))
        with self.assertRaisesRegex(ValueError, r"2\*\*28 entries.*\('many'\)"):
            GateChain(made)


class ShortenedTest(test_util.TestCase):
    def shorten(self, chain, made, kept):
        """The vectors of a shorter chain, filled, and that chain."""
        smaller = []
        for vector, keeps in zip(made, kept, strict=True):
            smaller.append(keras_l0.GateVector(vector.gate))
            smaller[-1].build((int(keeps.sum()),))
            smaller[-1].logits.assign(vector.logits.numpy()[keeps])
        pairs = list(zip(made, kept, smaller, strict=True))
        chain, origins = chain.shortened(pairs)
        for old, new, indices in origins:
            new.assign(old.numpy().reshape(-1)[indices])
        return smaller, chain

    @parameterized.parameters("forward", "backward")
    def test_logits_of_what_is_kept_stay(self, direction):
        made = vectors(direction)
        chain = GateChain(made)
        kept = [
            np.array([True, False, True]),
            np.array([False, True]),
            np.array([True, True, False, True]),
        ]
        expected = [
            vector.effective_logits()[keeps]
            for vector, keeps in zip(made, kept, strict=True)
        ]
        smaller, chain = self.shorten(chain, made, kept)
        for vector, logits in zip(smaller, expected, strict=True):
            # Sums of four terms.
            self.assertAllClose(vector.effective_logits(), logits, rtol=1e-6)
        # Once more, with constants that are not 0.
        kept = [
            np.array([False, True]),
            np.array([True]),
            np.eye(3, dtype=bool)[1],
        ]
        smaller, _ = self.shorten(chain, smaller, kept)
        for vector, logits, keeps in zip(smaller, expected, kept, strict=True):
            self.assertAllClose(
                vector.effective_logits(), logits[keeps], rtol=1e-6
            )

    def test_frozen_chain_stays_frozen(self):
        made = vectors()
        chain = GateChain(made)
        chain.trainable = False
        everything = [np.ones(size, bool) for size in SIZES]
        _, chain = self.shorten(chain, made, everything)
        self.assertFalse(chain.trainable)

    def test_each_vector_needs_one_copy(self):
        made, copies = vectors(), vectors()
        chain = GateChain(made)
        pairs = [
            (old, np.ones(old.num_gates, bool), new)
            for old, new in zip(made, copies, strict=True)
        ]
        with self.assertRaisesRegex(ValueError, "one smaller.*2 copies of 3"):
            chain.shortened(pairs[:2])
        with self.assertRaisesRegex(ValueError, "one smaller.*4 copies of 3"):
            chain.shortened([*pairs, pairs[0]])
        with self.assertRaisesRegex(ValueError, "one smaller.*3 copies of 3"):
            chain.shortened([*pairs[:2], pairs[0]])


if __name__ == "__main__":
    absltest.main()
