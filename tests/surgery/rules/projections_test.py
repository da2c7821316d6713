"""Tests of the weights of attention layers against attention written out."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.graph import Node
from keras_l0.graph.record import weight_values
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rules.projections import Projections
from tests import test_util

CONSTANT = {1: 0.7, 3: -0.4}


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def attend(w, query, memory):
    q = np.einsum("btd,dgrk->btgrk", query, w.query) + w.query_bias
    k = np.einsum("bsd,dgk->bsgk", memory, w.key)
    v = np.einsum("bsd,dgv->bsgv", memory, w.value) + w.value_bias
    shares = softmax(np.einsum("btgrk,bsgk->bgrts", q, k))
    mixed = np.einsum("bgrts,bsgv->btgrv", shares, v)
    return np.einsum("btgrv,grvo->bto", mixed, w.output) + w.output_bias


class ProjectionsTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(test_util.test_seed())

    def make(self, layer):
        layer.build((2, 5, 6), (2, 4, 6))
        for weight in layer.weights:
            weight.assign(self.rng.normal(size=weight.shape))
        node = Node("a", layer, (), {}, [], weight_values(layer))
        return Call(node, [], [])

    @parameterized.parameters(
        lambda: layers.MultiHeadAttention(3, 2, 4, dtype="float64"),
        lambda: layers.MultiHeadAttention(
            3, 2, 4, use_bias=False, dtype="float64"
        ),
        lambda: layers.GroupQueryAttention(2, 4, 2, dtype="float64"),
    )
    def test_names_and_shapes_round_trip(self, make):
        call = self.make(make())
        weights = Projections.of(call)
        named = weights.named(len(call.weights) == 8)
        self.assertCountEqual(named, call.weights)
        for name, value in call.weights.items():
            self.assertAllEqual(named[name], value)

    def test_folding_constants_changes_nothing(self):
        call = self.make(layers.GroupQueryAttention(2, 4, 2, dtype="float64"))
        weights, folded = Projections.of(call), Projections.of(call)
        known = np.isin(np.arange(6), list(CONSTANT))
        value = np.array([CONSTANT.get(i, 0.0) for i in range(6)])
        query = np.where(known, value, self.rng.normal(size=(2, 5, 6)))
        memory = np.where(known, value, self.rng.normal(size=(2, 4, 6)))
        x = Channels(2, known, value)
        folded.fold(x, x, x)
        self.assertAllClose(
            attend(folded, query, memory),
            attend(weights, query, memory),
            rtol=1e-12,
            atol=1e-12,
        )
        for kernel in (folded.query, folded.key, folded.value):
            self.assertFalse(kernel[known].any())

    def test_values_of_one_constant_go_to_the_output(self):
        call = self.make(layers.MultiHeadAttention(3, 2, 4, dtype="float64"))
        weights = Projections.of(call)
        weights.value[:, 1, :2] = 0
        before = Projections.of(call)
        before.value[:, 1, :2] = 0
        live = Channels.live(2, 6)
        weights.fold(live, live, live)
        self.assertFalse(weights.output[1, :, :2].any())
        self.assertFalse(weights.value_bias[1, :2].any())
        query, memory = self.rng.normal(size=(2, 2, 4, 6))
        self.assertAllClose(
            attend(weights, query, memory),
            attend(before, query, memory),
            rtol=1e-12,
            atol=1e-12,
        )

    def test_what_is_live(self):
        call = self.make(layers.MultiHeadAttention(2, 2, 2, dtype="float64"))
        weights = Projections.of(call)
        weights.output[0, 0, 0] = 0
        weights.output[1, 0, 1, :5] = 0
        kept = np.ones(6, bool)
        self.assertAllEqual(
            weights.live_values(kept), [[[False, True]], [[True, True]]]
        )
        kept[5] = False
        self.assertAllEqual(
            weights.live_values(kept), [[[False, True]], [[True, False]]]
        )
        heads = np.ones((2, 1), bool)
        weights.query[:, 0, 0, 0] = 0
        self.assertTrue(weights.live_keys(heads).all())  # the bias asks
        weights.query_bias[0, 0, 0] = 0
        weights.key[:, 1, 1] = 0
        self.assertAllEqual(
            weights.live_keys(heads), [[False, True], [True, False]]
        )
        heads[0] = False
        self.assertAllEqual(
            weights.live_keys(heads), [[False, False], [True, False]]
        )

    def test_biases(self):
        layer = layers.MultiHeadAttention(2, 2, use_bias=False, dtype="float64")
        weights = Projections.of(self.make(layer))
        self.assertFalse(weights.has_bias)
        weights.output_bias[2] = 0.1
        self.assertTrue(weights.has_bias)


if __name__ == "__main__":
    absltest.main()
