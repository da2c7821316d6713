"""Tests of the cost rule of attention layers."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0 import cost
from keras_l0.cost import registry
from keras_l0.graph import named_weights
from tests import test_util


def count(layer, queries, keys, size=6):
    x, memory = keras.Input((*queries, size)), keras.Input((*keys, size))
    return cost.count(keras.Model([x, memory], layer(x, memory)))


class AttentionTest(test_util.TestCase):
    @parameterized.parameters(
        (lambda: layers.MultiHeadAttention(2, 3, 4, use_bias=False), 0),
        (lambda: layers.MultiHeadAttention(2, 3, 4), 0),
        # One more projection of the queries.
        (lambda: layers.MultiHeadAttention(2, 3, 4, use_gate=True), 5 * 6 * 8),
    )
    def test_multi_head(self, make, more):
        # Heads times widths: 2 x 3 for queries and keys, 2 x 4 for values.
        expected = 5 * 6 * 6 + 7 * 6 * 6 + 7 * 6 * 8 + 5 * 8 * 6
        expected += 5 * 7 * 6 + 5 * 7 * 8 + more
        self.assertEqual(count(make(), (5,), (7,)).macs, expected)

    def test_output_shape(self):
        wide = layers.MultiHeadAttention(2, 3, output_shape=10)
        narrow = layers.MultiHeadAttention(2, 3)
        self.assertEqual(
            count(wide, (5,), (7,)).macs - count(narrow, (5,), (7,)).macs,
            5 * (2 * 3) * (10 - 6),
        )

    def test_group_query(self):
        # Four query heads of width 3, and two key and value heads.
        layer = layers.GroupQueryAttention(3, 4, 2)
        expected = 5 * 6 * 12 + 2 * 7 * 6 * 6 + 5 * 12 * 6 + 2 * 5 * 7 * 12
        self.assertEqual(count(layer, (5,), (7,)).macs, expected)

    def test_two_axes_of_steps(self):
        layer = layers.MultiHeadAttention(2, 3)
        # 4 x 5 queries on 2 x 3 keys, all pairs of them.
        expected = 20 * 36 + 2 * 6 * 36 + 20 * 36 + 2 * 20 * 6 * 6
        self.assertEqual(count(layer, (4, 5), (2, 3)).macs, expected)

    @parameterized.parameters(False, True)
    def test_axes_are_those_of_the_weights(self, use_bias):
        # Sizes that tell the axes apart: 5 heads; inputs, keys, outputs.
        layer = layers.MultiHeadAttention(
            5, 2, 3, use_bias=use_bias, output_shape=7
        )
        query, memory = keras.Input((4, 11)), keras.Input((6, 13))
        layer(query, memory)
        axes = registry.weight_axes(layer)
        weights = named_weights(layer)
        self.assertEqual(set(axes), set(weights))
        sizes = {11: "i", 13: "v", 5: "h", 7: "o"}
        for name, variable in weights.items():
            letters = [sizes.get(size, "") for size in variable.shape]
            self.assertCountEqual("".join(letters), axes[name], name)

    def test_macs_by_axes(self):
        layer = layers.MultiHeadAttention(5, 2, 3, output_shape=7)
        query, memory = keras.Input((4, 11)), keras.Input((6, 13))
        layer(query, memory)
        self.assertEqual(
            registry.layer_macs(layer, (None, 4, 11), (None, 4, 7)),
            {
                "ih": 4 * 11 * 5 * 2,
                "vh": 6 * 13 * 5 * (2 + 3),
                "ho": 4 * 5 * 3 * 7,
                "h": 4 * 6 * 5 * (2 + 3),
            },
        )

    def test_what_cannot_be_told_is_uncounted(self):
        for layer, queries, keys in (
            (layers.MultiHeadAttention(2, 3, name="a"), (None,), (7,)),
            (layers.MultiHeadAttention(2, 3, name="a"), (5,), (None,)),
            (
                layers.MultiHeadAttention(2, 3, attention_axes=2, name="a"),
                (4, 5),
                (4, 3),
            ),
        ):
            counted = count(layer, queries, keys)
            self.assertEqual(counted.uncounted, ("a",))


if __name__ == "__main__":
    absltest.main()
