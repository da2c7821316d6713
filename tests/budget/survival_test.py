"""Tests of when channels are there."""

import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from keras import layers

import keras_l0
from keras_l0.budget.expressions import Expressions
from keras_l0.budget.survival import Survival
from keras_l0.graph import read_graph
from keras_l0.layers import gate_vectors
from keras_l0.surgery.alignment import align
from tests import test_util


class Channels:
    """What `Survival` says of a model under every pattern of its gates.

    Attributes:
        patterns: Boolean `[patterns, gates]`.
    """

    def __init__(self, model):
        graph = read_graph(model)
        self._aligned = align(graph)
        vectors = gate_vectors(model).values()
        sizes = [v.num_gates for v in vectors]
        starts = np.cumsum([0, *sizes[:-1]])
        self._expressions = Expressions(sum(sizes))
        pairs = zip(map(id, vectors), map(int, starts), strict=True)
        survival = Survival(self._aligned, self._expressions, dict(pairs))
        self._calls = [
            survival.of_call(i) for i in range(len(self._aligned.calls))
        ]
        grid = itertools.product([False, True], repeat=sum(sizes))
        self.patterns = np.array(list(grid))

    def of(self, layer):
        """Inputs and outputs of a layer's call, `[patterns, channels]`."""
        (call,) = [
            found
            for call, found in zip(
                self._aligned.calls, self._calls, strict=True
            )
            if call.layer is layer
        ]
        return [
            [self._table(part) for part in parts]
            for parts in (call.inputs, call.outputs)
        ]

    def _table(self, numbers):
        rows = [
            self._expressions.values(tf.constant(pattern, tf.float32))
            for pattern in self.patterns
        ]
        return np.array(rows)[:, numbers] == 1


def gate(units, **kwargs):
    return keras_l0.L0Gate(layers.Dense(units, **kwargs))


class SurvivalTest(test_util.TestCase):
    def branches(self, join):
        """Two gated branches, joined and read by a dense layer."""
        x = keras.Input((3,))
        left, right, top = gate(2), gate(2), layers.Dense(2)
        model = keras.Model(x, top(join([left(x), right(x)])))
        order = list(gate_vectors(model).values())
        self.assertEqual(order[0], left.gate_vector)
        found = Channels(model)
        a, b = found.patterns[:, :2], found.patterns[:, 2:]
        return found, left.layer, right.layer, top, a, b

    def test_chain(self):
        x = keras.Input((3,))
        first, norm, top = gate(4), layers.BatchNormalization(), layers.Dense(2)
        found = Channels(keras.Model(x, top(norm(first(x)))))
        everything = np.ones((16, 3), bool)
        inputs, outputs = found.of(first.layer)
        self.assertAllEqual(inputs[0], everything)
        self.assertAllEqual(outputs[0], found.patterns)
        self.assertAllEqual(found.of(norm)[1][0], found.patterns)
        self.assertAllEqual(found.of(top)[0][0], found.patterns)
        self.assertAllEqual(found.of(top)[1][0], everything[:, :2])

    def test_sum_is_there_with_either(self):
        found, left, right, top, a, b = self.branches(layers.Add())
        self.assertAllEqual(found.of(top)[0][0], a | b)
        self.assertAllEqual(found.of(left)[1][0], a)
        self.assertAllEqual(found.of(right)[1][0], b)

    def test_product_takes_both(self):
        found, left, right, top, a, b = self.branches(layers.Multiply())
        self.assertAllEqual(found.of(top)[0][0], a & b)
        # What the other factor closes is not needed either.
        self.assertAllEqual(found.of(left)[1][0], a & b)
        self.assertAllEqual(found.of(right)[1][0], a & b)

    def test_concatenation_keeps_them_apart(self):
        found, left, right, top, a, b = self.branches(layers.Concatenate())
        self.assertAllEqual(found.of(top)[0][0], np.hstack([a, b]))
        self.assertAllEqual(found.of(right)[1][0], b)

    def test_second_reader_needs_what_the_first_does_not(self):
        # The gated reader does without closed channels, the other does not.
        x = keras.Input((3,))
        y = layers.Dense(2)
        z = y(x)
        gated = keras_l0.L0Gate(layers.ReLU())
        outputs = [layers.Dense(1)(gated(z)), layers.Dense(1)(z)]
        found = Channels(keras.Model(x, outputs))
        self.assertAllEqual(found.of(y)[1][0], np.ones((4, 2), bool))
        found = Channels(keras.Model(x, outputs[:1]))
        self.assertAllEqual(found.of(y)[1][0], found.patterns)

    def test_flatten_drops_whole_channels(self):
        x = keras.Input((2, 3))
        first, top = gate(2), layers.Dense(1)
        found = Channels(keras.Model(x, top(layers.Flatten()(first(x)))))
        self.assertAllEqual(
            found.of(top)[0][0], np.tile(found.patterns, (1, 2))
        )
        self.assertAllEqual(found.of(first.layer)[1][0], found.patterns)

    def test_many_readers_of_one_channel(self):
        x = keras.Input((4, 4, 1))
        first = keras_l0.L0Gate(layers.Conv2D(2, 1))
        deep = layers.DepthwiseConv2D(3, depth_multiplier=2)
        second = keras_l0.L0Gate(deep)
        pool = layers.GlobalAveragePooling2D()
        top = layers.Dense(1)
        model = keras.Model(x, top(pool(second(first(x)))))
        found = Channels(model)
        a, b = found.patterns[:, :2], found.patterns[:, 2:]
        both = np.repeat(a, 2, axis=1) & b
        self.assertAllEqual(found.of(top)[0][0], both)
        self.assertAllEqual(
            found.of(first.layer)[1][0], both[:, ::2] | both[:, 1::2]
        )

    def test_outputs_of_the_model_stay(self):
        x = keras.Input((3,))
        first = gate(2)
        found = Channels(keras.Model(x, first(x)))
        # The gate is there even where it is closed: nothing else gives it.
        self.assertEqual(found.of(first.layer)[1][0].shape, (4, 2))
        self.assertAllEqual(found.of(first.layer)[1][0], found.patterns)

    def test_softmax_stays_whole(self):
        x = keras.Input((3,))
        soft, top = gate(2, activation="softmax"), layers.Dense(1)
        found = Channels(keras.Model(x, top(soft(x))))
        self.assertAllEqual(found.of(soft.layer)[1][0], np.ones((4, 2), bool))
        self.assertAllEqual(found.of(top)[0][0], found.patterns)


if __name__ == "__main__":
    absltest.main()
