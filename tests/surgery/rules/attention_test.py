"""Tests of the rules of attention layers, in whole models.

Attention itself is Keras': the gated model is the reference.
"""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from tests.surgery.strip_test_case import StripTestCase

GATES = [0, 0.4, 1, 0, 0.7, 1]
HEADS = [0.4, 0, 1, 0]


def weights_of(layer):
    """Kernels and biases by the names of the projections."""
    names = ("query", "key", "value", "output")
    values = layer.get_weights()
    step = len(values) // 4
    return dict(zip(names, values[::step], strict=True)), values[1::step]


def cut(layer, **entries):
    """Sets parts of a layer's weights, by name and index, to 0."""
    step = len(layer.weights) // 4
    for name, places in entries.items():
        kind, _, bias = name.partition("_")
        i = ("query", "key", "value", "output").index(kind) * step
        variable = layer.weights[i + bool(bias)]
        value = variable.numpy()
        for place in places:
            value[place] = 0
        variable.assign(value)


def sizes(small, name):
    config = small.get_layer(name).get_config()
    return config["num_heads"], config["key_dim"], config["value_dim"]


class MultiHeadAttentionTest(StripTestCase):
    @parameterized.product(
        use_bias=(True, False),
        options=(
            {},
            {"value_dim": 2},
            {"output_shape": 4},
            {"dropout": 0.3},
        ),
        causal=(False, True),
    )
    def test_closed_heads_are_gone(self, use_bias, options, causal):
        x = keras.Input((5, 6))
        layer = layers.MultiHeadAttention(
            4, 3, use_bias=use_bias, name="mha", **options
        )
        y = self.gate(layer, HEADS, on="heads")(
            x, value=x, use_causal_mask=causal
        )
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        value_dim = options.get("value_dim", 3)
        self.assertEqual(sizes(small, "mha"), (2, 3, value_dim))

    @parameterized.product(use_bias=(True, False), between=("linear", "tanh"))
    def test_constant_inputs_and_closed_outputs(self, use_bias, between):
        x, memory = keras.Input((5, 3)), keras.Input((4, 3))
        query = self.gate(layers.Dense(6, "sigmoid", name="q"), GATES)(x)
        query = layers.Activation("softplus")(query)
        value = self.gate(layers.Dense(6, name="v"), GATES[::-1])(memory)
        value = layers.Activation("sigmoid")(value)
        key = self.gate(layers.Dense(6, name="k"), [0, 0, 1, 0, 1, 0])(memory)
        key = layers.Activation("sigmoid")(key)
        y = layers.MultiHeadAttention(
            2, 3, output_shape=6, use_bias=use_bias, name="mha"
        )(query, value, key=key)
        y = self.gate(layers.Activation(between), GATES)(y)
        y = layers.Dense(2, "gelu", name="last")(y)
        small, _ = self.strip(self.finish([x, memory], y))
        for name, width in (("q", 4), ("v", 4), ("k", 2), ("mha", 4)):
            self.assertEqual(small.get_layer(name).output.shape[-1], width)
        self.assertEqual(small.get_layer("last").kernel.shape[0], 4)

    def test_keyword_order_and_shared_tensor(self):
        x, memory = keras.Input((5, 3)), keras.Input((4, 3))
        value = self.gate(layers.Dense(6), GATES)(memory)
        value = layers.Activation("sigmoid")(value)
        layer = layers.MultiHeadAttention(3, 2, name="mha")
        gate = self.gate(layer, [0, 1, 0.5], on="heads")
        y = gate(layers.Dense(4)(x), value=value, key=layers.Dense(5)(memory))
        y = layers.MultiHeadAttention(2, 2)(query=y, value=value, key=value)
        y = self.gate(layers.MultiHeadAttention(2, 2), [1, 1], on="heads")(
            y, value=y
        )
        self.strip(self.finish([x, memory], layers.Dense(2)(y)))

    @parameterized.parameters(True, False)
    def test_widths(self, use_bias):
        x = keras.Input((5, 6))
        layer = layers.MultiHeadAttention(
            3, 4, 5, use_bias=use_bias, name="mha"
        )
        y = layer(x, x)
        y = self.gate(layers.Activation("linear"), GATES)(y)
        model = self.finish(x, layers.Dense(2)(y))
        # Of each head another part of the keys and values does nothing.
        dead = {
            "query": [np.s_[:, 0, :2], np.s_[:, 1, 1]],
            "key": [np.s_[:, 1, 3], np.s_[:, 2, 1:3]],
            "value": [np.s_[:, 0, 4], np.s_[:, 1, :3], np.s_[:, 2, 0]],
            "output": [np.s_[0, :2], np.s_[2, 1]],
        }
        if use_bias:
            dead["query_bias"] = [np.s_[0, :2], np.s_[1, 1]]
        cut(layer, **dead)
        small, _ = self.strip(model)
        # Live keys: 2, 2, 2. Live values: 2, 2, 3.
        self.assertEqual(sizes(small, "mha"), (3, 2, 3))

    def test_bias_of_the_query_alone_makes_scores(self):
        x = keras.Input((5, 6))
        layer = layers.MultiHeadAttention(2, 3, name="mha")
        y = self.gate(layers.Identity(), GATES)(layer(x, x))
        model = self.finish(x, layers.Dense(2)(y))
        cut(layer, query=[np.s_[:, 0], np.s_[:, 1, 0]])
        small, _ = self.strip(model)
        self.assertEqual(sizes(small, "mha"), (2, 3, 3))

    def test_scores_that_are_all_equal(self):
        x = keras.Input((5, 6))
        layer = layers.MultiHeadAttention(2, 3, name="mha")
        y = self.gate(layers.Identity(), GATES)(layer(x, x))
        model = self.finish(x, layers.Dense(2)(y))
        cut(layer, key=[np.s_[:]])
        small, _ = self.strip(model)
        self.assertEqual(sizes(small, "mha"), (2, 1, 3))

    def test_all_heads_closed_leave_the_bias(self):
        x = keras.Input((5, 6))
        layer = layers.MultiHeadAttention(2, 3)
        y = self.gate(layer, [0, 0], on="heads")(x, value=x)
        y = layers.Concatenate()([layers.Activation("tanh")(y), x])
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        names = [type(operation).__name__ for operation in small.operations]
        self.assertNotIn("MultiHeadAttention", names)

    def test_all_heads_closed_where_the_output_is_wanted(self):
        x = keras.Input((5, 6))
        layer = layers.MultiHeadAttention(2, 3, name="mha")
        y = self.gate(layer, [0, 0], on="heads")(x, value=x)
        z = layers.UnitNormalization()(layers.Add()([y, x]))
        small, _ = self.strip(self.finish(x, [z, layers.Dense(2)(x)]))
        self.assertLen(small.outputs, 2)
        y = layers.Softmax()(layers.MultiHeadAttention(2, 3)(y, x))
        self.strip(self.finish(x, [z, y]))

    def test_values_that_are_constant_are_what_attention_gives(self):
        x = keras.Input((5, 6))
        value = self.gate(layers.Dense(3), [0, 0, 0])(x)
        value = layers.Activation("sigmoid")(value)
        y = layers.MultiHeadAttention(2, 3)(x, value)
        y = layers.Concatenate()([layers.Activation("tanh")(y), x])
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        names = [type(operation).__name__ for operation in small.operations]
        self.assertNotIn("MultiHeadAttention", names)

    def test_keys_that_are_constant(self):
        x = keras.Input((5, 6))
        key = self.gate(layers.Dense(3), [0, 0, 0])(x)
        key = layers.Activation("sigmoid")(key)
        y = layers.MultiHeadAttention(2, 3, name="mha")(x, x, key=key)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(sizes(small, "mha"), (2, 1, 3))

    def test_width_of_one_where_steps_are_as_many_as_heads(self):
        # Keras would add a bias of shape (2, 1) along the two steps.
        x = keras.Input((2, 6))
        layer = layers.MultiHeadAttention(3, 4, name="mha")
        y = self.gate(layer, [1, 0, 0.5], on="heads")(x, value=x)
        model = self.finish(x, layers.Dense(2)(y))
        # Only entry 0 of each head is left.
        cut(layer, key=[np.s_[:, :, 1:]], output=[np.s_[:, 1:]])
        small, _ = self.strip(model)
        self.assertEqual(sizes(small, "mha"), (2, 2, 2))

    def test_open_number_of_steps(self):
        x = keras.Input((None, 6))
        layer = layers.MultiHeadAttention(4, 3, name="mha")
        y = self.gate(layer, HEADS, on="heads")(x, value=x)
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model, self.rng.normal(size=(2, 7, 6)))
        self.assertEqual(sizes(small, "mha"), (2, 3, 3))

    def reason(self, layer, shape, *others, **kwargs):
        x = keras.Input(shape)
        y = layer(x, x, *others, **kwargs)
        y = keras.tree.flatten(y)[0]
        y = self.gate(layers.Activation("gelu"), [0.5] * y.shape[-1])(y)
        inputs = [x, *keras.tree.flatten([others, kwargs])]
        inputs = [t for t in inputs if isinstance(t, keras.KerasTensor)]
        model = self.finish(inputs, layers.Dense(2)(y))
        data = [
            self.rng.normal(size=(2, *t.shape[1:])).astype(t.dtype)
            for t in model.inputs
        ]
        _, report = self.strip(model, data if len(data) > 1 else data[0])
        return report.barriers[0].reason

    def test_barriers(self):
        make = layers.MultiHeadAttention
        for layer, shape, kwargs, expected in (
            (
                make(2, 3),
                (5, 6),
                {"return_attention_scores": True},
                Barrier.EXTRA_INPUTS,
            ),
            (
                make(2, 3),
                (5, 6),
                {"attention_mask": keras.Input((5, 5), dtype="bool")},
                Barrier.EXTRA_INPUTS,
            ),
            (make(2, 3), (4, 5, 6), {}, Barrier.DYNAMIC_SHAPE),
            (
                make(2, 3, output_shape=(2, 3)),
                (5, 6),
                {},
                Barrier.DYNAMIC_SHAPE,
            ),
            (make(2, 3, use_gate=True), (5, 6), {}, Barrier.EXTRA_WEIGHTS),
            (make(2, 3, sliding_window=2), (5, 6), {}, Barrier.MASKED_OUT),
            (make(5, 1), (5, 6), {}, Barrier.STRAY_BIAS),
            # It is not yet, but would be with two heads less.
            (make(7, 4, 1), (5, 6), {}, Barrier.STRAY_BIAS),
        ):
            self.wanted = []
            self.assertEqual(self.reason(layer, shape, **kwargs), expected)


class GroupQueryAttentionTest(StripTestCase):
    def check(self, gates, expected, steps=5, **options):
        x = keras.Input((steps, 4))
        y = self.gate(layers.Dense(6, "sigmoid", name="x"), GATES)(x)
        layer = layers.GroupQueryAttention(
            3, len(gates), 2, name="gqa", **options
        )
        y = self.gate(layer, gates, on="heads")(y, value=y)
        y = self.gate(layers.Activation("tanh"), GATES)(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        layer = small.get_layer("gqa")
        found = layer.num_query_heads, layer.num_key_value_heads
        self.assertEqual((*found, layer.head_dim), expected)
        self.assertEqual(small.get_layer("x").units, 4)

    @parameterized.product(
        options=({}, {"use_bias": False}, {"dropout": 0.2}),
        case=(
            # One head of each group goes, another one of each.
            ([0, 0.5, 1, 1, 1, 0.3], (6, 2, 3)),
            ([0, 0.5, 1, 1, 0, 0.3], (4, 2, 3)),
            # A whole group goes.
            ([0, 0, 0, 1, 0, 0.3], (2, 1, 3)),
            # Of unequal groups the smaller one keeps closed heads.
            ([1, 0, 0, 1, 0, 0.3], (4, 2, 3)),
        ),
    )
    def test_groups_stay_equal(self, options, case):
        self.check(*case, **options)

    def test_widths(self):
        x = keras.Input((5, 6))
        layer = layers.GroupQueryAttention(4, 4, 2, name="gqa")
        y = self.gate(layer, [1, 0.5, 0.7, 1], on="heads")(x, value=x)
        model = self.finish(x, layers.Dense(2)(y))
        cut(
            layer,
            key=[np.s_[:, 0, :2], np.s_[:, 1, 3]],
            value=[np.s_[:, 0, 3], np.s_[:, 1, 1:3]],
        )
        small, _ = self.strip(model)
        self.assertEqual(small.get_layer("gqa").head_dim, 3)

    def test_all_heads_closed(self):
        x = keras.Input((5, 6))
        layer = layers.GroupQueryAttention(3, 4, 2)
        y = self.gate(layer, [0] * 4, on="heads")(x, value=x)
        y = layers.Concatenate()([layers.Activation("tanh")(y), x])
        self.strip(self.finish(x, layers.Dense(2)(y)))


if __name__ == "__main__":
    absltest.main()
