"""Tests of what finds the gates of a model."""

import keras
from absl.testing import absltest
from keras import layers

import keras_l0
from keras_l0.layers import collect
from tests import test_util


def gated(units, **kwargs):
    return keras_l0.L0Gate(layers.Dense(units), **kwargs)


class CollectTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.vector = keras_l0.GateVector(name="stream")
        inner = keras.Sequential(
            [keras.Input((4,)), gated(5, name="deep"), layers.Dense(4)]
        )
        x = keras.Input((4,))
        shared = gated(4, gate_vector=self.vector, name="first")
        y = shared(x) + shared(inner(x))
        y = gated(4, gate_vector=self.vector, name="second")(y)
        self.model = keras.Model(x, layers.Dense(1)(y))

    def test_gate_layers_lists_each_wrapper_once(self):
        names = [layer.name for layer in collect.gate_layers(self.model)]
        self.assertCountEqual(names, ["first", "deep", "second"])
        self.assertLess(names.index("first"), names.index("second"))

    def test_gate_layers_finds_nested_wrappers(self):
        outer = keras_l0.L0Gate(gated(3, name="inner"), name="outer")
        layer = layers.TimeDistributed(outer)
        names = [found.name for found in collect.gate_layers(layer)]
        self.assertEqual(names, ["outer", "inner"])

    def test_share_of_open_gates_counts_each_vector_once(self):
        found = collect.gate_layers(self.model)
        vectors = collect.gate_vectors(self.model)
        vectors["first"].logits.assign([3.0, -9.0, -9.0, -9.0])
        vectors["deep"].logits.assign([3.0, 3.0, 3.0, 0.1, -9.0])
        self.assertAllClose(collect.open_share(found), 5 / 9, rtol=1e-6)

    def test_gate_vectors_lists_each_vector_once(self):
        vectors = collect.gate_vectors(self.model)
        self.assertCountEqual(vectors, ["first", "deep"])
        self.assertIs(vectors["first"], self.vector)
        self.assertEqual(vectors["deep"].num_gates, 5)

    def test_gate_vectors_keeps_apart_wrappers_of_one_name(self):
        parts = [
            keras.Sequential([keras.Input((4,)), gated(units, name="same")])
            for units in (4, 4, 2)
        ]
        model = keras.Sequential([keras.Input((4,)), *parts])
        vectors = collect.gate_vectors(model)
        self.assertEqual(
            {name: vector.num_gates for name, vector in vectors.items()},
            {"same": 4, "same_1": 4, "same_2": 2},
        )
        self.assertLen({id(vector) for vector in vectors.values()}, 3)

    def test_has_gates(self):
        self.assertTrue(collect.has_gates(self.model))
        self.assertTrue(collect.has_gates(gated(3)))
        self.assertFalse(collect.has_gates(self.model.layers[-1]))
        self.assertFalse(collect.has_gates(keras.Sequential([])))


if __name__ == "__main__":
    absltest.main()
