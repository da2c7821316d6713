"""Attention, and the blocks of transformers."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase

HEADS = [0.4, 0, 1, 0]


def windows(y, height, width, size):
    """Cuts an image into windows: `[n * windows, size * size, c]`."""
    channels = y.shape[-1]
    rows, columns = height // size, width // size
    y = ops.reshape(y, (-1, rows, size, columns, size, channels))
    y = ops.transpose(y, (0, 1, 3, 2, 4, 5))
    return ops.reshape(y, (-1, size * size, channels))


def image(y, height, width, size):
    """The inverse of `windows`."""
    channels = y.shape[-1]
    rows, columns = height // size, width // size
    y = ops.reshape(y, (-1, rows, columns, size, size, channels))
    y = ops.transpose(y, (0, 1, 3, 2, 4, 5))
    return ops.reshape(y, (-1, height, width, channels))


class AttentionTest(PatternTestCase):
    def heads(self, small, name):
        config = small.get_layer(name).get_config()
        return config["num_heads"]

    def attention(self, name, gates=HEADS):
        layer = layers.MultiHeadAttention(len(gates), 3, name=name)
        return self.gate(layer, gates, on="heads")

    def perceptron(self, y, name, gates=GATES):
        """Two dense layers with gates between, back to the width of `y`."""
        width = y.shape[-1]
        y = self.gate(layers.Dense(6, "gelu", name=name), gates)(y)
        return layers.Dense(width)(layers.Dropout(0.1)(y))

    def test_self_attention_made_of_operations(self):
        steps, heads, width = 5, 2, 3
        x = keras.Input((steps, 4))

        def split(y):
            y = ops.reshape(y, (-1, steps, heads, width))
            return ops.transpose(y, (0, 2, 1, 3))

        query, key = (layers.Dense(6, name=n)(x) for n in ("query", "key"))
        value = self.gate(layers.Dense(6, name="value"), [1, 0, 0.4] * 2)(x)
        query, key, value = map(split, (query, key, value))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        scores = ops.softmax(scores / np.sqrt(width), axis=-1)
        y = ops.transpose(ops.matmul(scores, value), (0, 2, 1, 3))
        y = ops.reshape(y, (-1, steps, heads * width))
        # Of the product each head keeps the same columns; the scores are whole.
        small = self.check(
            x,
            layers.Dense(4, name="join")(y),
            [Barrier.COUPLED_CHANNELS],
            query=6,
            key=6,
            value=4,
        )
        self.assertEqual(small.get_layer("join").kernel.shape, (4, 4))

    @parameterized.parameters("before", "behind")
    def test_transformer_block(self, norm):
        # As in vision transformers (norm before) and in BERT (behind).
        y = x = keras.Input((5, 6))
        for i, gates in enumerate((GATES, OTHERS)):
            z = layers.LayerNormalization()(y) if norm == "before" else y
            z = self.attention(f"attention{i}")(z, value=z)
            y = layers.Add()([y, z])
            if norm == "behind":
                y = layers.LayerNormalization()(y)
            z = layers.LayerNormalization()(y) if norm == "before" else y
            y = layers.Add()([y, self.perceptron(z, f"hidden{i}", gates)])
            if norm == "behind":
                y = layers.LayerNormalization()(y)
        y = layers.GlobalAveragePooling1D()(y)
        small = self.check(
            x,
            layers.Dense(2)(y),
            [Barrier.COUPLED_CHANNELS] * 4,
            hidden0=4,
            hidden1=3,
        )
        for name in ("attention0", "attention1"):
            self.assertEqual(self.heads(small, name), 2)

    def test_network_for_text(self):
        # As in BERT: three embeddings are added; the first step is pooled.
        tokens = keras.Input((5,), dtype="int32", name="tokens")
        kinds = keras.Input((5,), dtype="int32", name="kinds")
        steps = keras.Input((5,), dtype="int32", name="steps")
        embedded = [
            layers.Embedding(4, 6, name=f"{x.name}_table")(x)
            for x in (tokens, kinds, steps)
        ]
        y = layers.LayerNormalization()(layers.Add()(embedded))
        z = self.attention("attention")(y, value=y)
        y = layers.LayerNormalization()(layers.Add()([y, z]))
        y = layers.Add()([y, self.perceptron(y, "hidden")])
        y = layers.LayerNormalization()(y)[:, 0]
        y = self.gate(layers.Dense(6, "tanh", name="pooler"), OTHERS)(y)
        data = [self.rng.integers(0, 4, (6, 5)) for _ in range(3)]
        small = self.check(
            [tokens, kinds, steps],
            layers.Dense(2)(y),
            [Barrier.COUPLED_CHANNELS] * 3,
            data=data,
            hidden=4,
            pooler=3,
        )
        self.assertEqual(self.heads(small, "attention"), 2)

    def test_vision_transformer(self):
        x = keras.Input((4, 6, 3))
        y = layers.Conv2D(6, 2, 2, name="patches")(x)
        y = self.gate(layers.Identity(), OTHERS)(y)
        y = layers.Reshape((6, 6))(y)
        y = layers.RMSNormalization(name="norm")(y)
        z = self.attention("attention")(y, value=y)
        y = layers.Add()([y, self.gate(layers.Identity(), OTHERS)(z)])
        y = layers.Add()(
            [
                y,
                self.gate(layers.Identity(), OTHERS)(
                    self.perceptron(y, "hidden")
                ),
            ]
        )
        y = layers.Dense(2)(layers.GlobalAveragePooling1D()(y))
        # The stream itself is narrow, from the patches on.
        small = self.check(x, y, patches=3, norm=3, attention=3, hidden=4)
        self.assertEqual(self.heads(small, "attention"), 2)
        self.assertEqual(small.get_layer("hidden").kernel.shape, (3, 4))

    def test_block_of_shifted_windows(self):
        # As in Swin transformers.
        x = keras.Input((4, 4, 3))
        y = self.gate(layers.Dense(6, name="embed"), OTHERS)(x)
        z = layers.UnitNormalization()(y)
        z = ops.roll(z, (-1, -1), axis=(1, 2))
        z = windows(z, 4, 4, 2)
        z = self.attention("attention")(z, value=z)
        z = ops.roll(image(z, 4, 4, 2), (1, 1), axis=(1, 2))
        y = layers.Add()([y, z])
        y = layers.Add()([y, self.perceptron(y, "hidden")])
        # Windows go along the batch axis: where the units lie behind that,
        # no shape says. The heads inside are followed all the same.
        small = self.check(
            x,
            layers.Dense(2)(y),
            [
                Barrier.NO_RULE,
                Barrier.RESHAPED,
                Barrier.RESHAPED,
                Barrier.NO_RULE,
            ],
            embed=3,
            hidden=4,
        )
        self.assertEqual(self.heads(small, "attention"), 2)

    def test_attention_across_two_sequences(self):
        x, memory = keras.Input((5, 6)), keras.Input((3, 4))
        code = self.gate(layers.Dense(6, "relu", name="code"), GATES)(memory)
        z = self.attention("cross")(x, value=code)
        y = layers.Add()([x, z])
        small = self.check([x, memory], layers.Dense(2)(y), code=4)
        self.assertEqual(self.heads(small, "cross"), 2)

    @parameterized.parameters([None], [(2,)], [(1, 2)])
    def test_attention_over_other_axes_is_whole(self, axes):
        x = keras.Input((2, 3, 6))
        y = self.gate(layers.Dense(6, name="code"), GATES)(x)
        layer = layers.MultiHeadAttention(
            4, 3, value_dim=2, attention_axes=axes, name="attention"
        )
        y = self.gate(layer, HEADS, on="heads")(y, value=y)
        y = self.gate(layers.Dense(6, "relu", name="hidden"), OTHERS)(y)
        small = self.check(
            x, layers.Dense(2)(y), [Barrier.DYNAMIC_SHAPE], code=4, hidden=3
        )
        self.assertEqual(self.heads(small, "attention"), 4)

    def test_grouped_queries(self):
        x = keras.Input((5, 6))
        layer = layers.GroupQueryAttention(3, 4, 2, name="attention")
        gated = self.gate(layer, [1, 0.4, 0, 0], on="heads")
        y = layers.Add()([x, gated(x, value=x)])
        small = self.check(x, layers.Dense(2)(y))
        config = small.get_layer("attention").get_config()
        self.assertEqual(config["num_key_value_heads"], 1)

    def test_all_heads_closed(self):
        x = keras.Input((5, 6))
        y = layers.Add()([x, self.attention("dead", [0] * 4)(x, value=x)])
        small = self.check(x, layers.Dense(2)(y))
        self.assertNotIn("dead", self.names(small))

    @parameterized.parameters("Attention", "AdditiveAttention")
    def test_layers_without_projections(self, kind):
        x = keras.Input((5, 4))
        query = self.gate(layers.Dense(6, name="query"), GATES)(x)
        value = self.gate(layers.Dense(6, name="value"), OTHERS)(x)
        y = getattr(layers, kind)()([query, value])
        model = self.finish(x, layers.Dense(2)(y))
        _, report = self.strip(model)
        rows = {row.name: row.units_after for row in report.layers}
        self.assertEqual((rows["query"], rows["value"]), (4, 3))
        self.assertEqual([row.layer for row in report.barriers], [kind])


if __name__ == "__main__":
    absltest.main()
