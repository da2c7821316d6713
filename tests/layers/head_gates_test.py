"""Tests of gates on the heads of attention layers."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.layers import gate_oracle
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import saturated
from tests.layers.layer_test_case import spread

HEADS = 4
BIAS = {"bias_initializer": keras.initializers.RandomNormal(0.3, 0.3)}
MAKERS = {
    "multi_head": lambda: layers.MultiHeadAttention(HEADS, 3, 2, **BIAS),
    "without_bias": lambda: layers.MultiHeadAttention(
        HEADS, 3, output_shape=2, use_bias=False
    ),
    "grouped": lambda: layers.GroupQueryAttention(3, HEADS, 2, **BIAS),
}


def tensors():
    rng = np.random.default_rng(3)
    return [rng.normal(size=(2, t, 6)).astype("float32") for t in (5, 4)]


def weights_of(layer):
    """Query, key, value and output kernels and biases, by hand."""
    values = iter(layer.get_weights())
    found = {}
    for name in ("query", "key", "value", "output"):
        found[name] = next(values)
        heads = found[name].shape[:1] if name == "output" else 0
        shape = found[name].shape[2 if heads else 1 :]
        found[name + "_bias"] = (
            next(values) if len(layer.weights) == 8 else np.zeros(shape)
        )
    return found


def attention(w, query, value, z):
    """What each head adds to the output, times its gate."""
    per_head = w["query"].shape[1] // w["key"].shape[1]
    q = np.einsum("btd,dhk->bthk", query, w["query"]) + w["query_bias"]
    k = np.einsum("bsd,dhk->bshk", value, w["key"]) + w["key_bias"]
    v = np.einsum("bsd,dhk->bshk", value, w["value"]) + w["value_bias"]
    total = w["output_bias"]
    for head, gate in enumerate(z):
        shared = head // per_head
        scores = np.einsum("btk,bsk->bts", q[:, :, head], k[:, :, shared])
        scores = np.exp(scores / np.sqrt(q.shape[-1]))
        scores /= scores.sum(axis=-1, keepdims=True)
        mixed = scores @ v[:, :, shared]
        total = total + gate * mixed @ w["output"][head]
    return total


class HeadGatesTest(LayerTestCase):
    def gated(self, kind, logits, **kwargs):
        """A gate that has seen a query and a value."""
        gate = keras_l0.L0Gate(
            MAKERS[kind](),
            gate=keras_l0.gates.HardConcrete(clamp=None),
            on="heads",
            **kwargs,
        )
        query, value = tensors()
        gate(query, value=value)
        gate.gate_vector.logits.assign(logits)
        return gate

    @parameterized.parameters(*sorted(MAKERS))
    def test_heads_are_multiplied(self, kind):
        query, value = tensors()
        gate = self.gated(kind, spread(HEADS))
        weights = weights_of(gate.layer)
        for training, logits in (
            (False, spread(HEADS)),
            (True, saturated(HEADS)[0]),
        ):
            gate.gate_vector.logits.assign(logits)
            z = gate_oracle.deterministic_gate(logits)
            expected = attention(weights, query, value, z)
            y = gate(query, value=value, training=training)
            self.assert_float32_close(y, expected, ulps=128)

    def test_key_of_its_own_width(self):
        query, value = tensors()
        key = value[..., :5]
        gate = keras_l0.L0Gate(MAKERS["multi_head"](), on="heads")
        gate(query, value=value, key=key)
        gate.gate_vector.logits.assign([9.0] * HEADS)
        expected = gate.layer(query, value, key)
        self.assertAllEqual(gate(query, value=value, key=key), expected)

    def test_gradient_of_a_gate_is_what_its_head_adds(self):
        query, value = tensors()
        gate = self.gated("multi_head", spread(HEADS))
        logits = gate.gate_vector.logits
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(gate(query, value=value))
        (found,) = tape.gradient(total, [logits.value])
        weights = weights_of(gate.layer)
        weights["output_bias"] = 0
        expected = [
            np.sum(attention(weights, query, value, np.eye(HEADS)[head]))
            for head in range(HEADS)
        ]
        slope = gate_oracle.gate_slope(spread(HEADS))
        self.assert_float32_close(found, slope * expected, ulps=1024)

    @parameterized.parameters(
        # query, key and value of 6 + 1 weights per width, and the output.
        ("multi_head", (3 + 3 + 2) * 7 + 2 * 6),
        ("without_bias", 3 * 3 * 6 + 3 * 2),
        # Two query heads share a key and a value head.
        ("grouped", (3 + 3 / 2 + 3 / 2) * 7 + 3 * 6),
    )
    def test_group_size(self, kind, expected):
        gate = self.gated(kind, spread(HEADS))
        self.assertAlmostEqual(gate.target.group_size(), expected)

    @parameterized.parameters(*sorted(MAKERS))
    def test_squared_norms(self, kind):
        gate = self.gated(kind, spread(HEADS))
        w = weights_of(gate.layer)
        shared = HEADS // w["key"].shape[1]
        expected = np.sum(w["output"] ** 2, axis=(1, 2))
        for name, by in (("query", 1), ("key", shared), ("value", shared)):
            norms = np.sum(w[name] ** 2, axis=(0, 2))
            norms += np.sum(w[name + "_bias"] ** 2, axis=1)
            expected = expected + np.repeat(norms, by) / by
        self.assert_float32_close(gate.target.squared_norms(), expected)

    def test_saved_and_loaded(self):
        query, value = keras.Input((5, 6)), keras.Input((4, 6))
        for kind in sorted(MAKERS):
            gate = keras_l0.L0Gate(MAKERS[kind](), on="heads", l0=0.1, l2=0.1)
            model = keras.Model([query, value], gate(query, value=value))
            gate.gate_vector.logits.assign(spread(HEADS))
            path = f"{self.create_tempdir().full_path}/model.keras"
            model.save(path)
            loaded = keras.models.load_model(path)
            self.assertAllEqual(loaded(tensors()), model(tensors()))
            copy = keras.models.clone_model(model)
            copy.set_weights(model.get_weights())
            self.assertAllEqual(copy(tensors()), model(tensors()))

    def test_fit_closes_heads(self):
        query = keras.Input((5, 6))
        gate = keras_l0.L0Gate(MAKERS["multi_head"](), on="heads", l0=1.0)
        y = layers.Flatten()(gate(query, value=query))
        model = keras.Model(query, layers.Dense(1)(y))
        model.compile(keras.optimizers.SGD(0.05), "mse")
        before = gate.gate_vector.logits.numpy()
        x, _ = tensors()
        model.fit(x, np.zeros((2, 1)), epochs=2, verbose=0)
        self.assertTrue((gate.gate_vector.logits.numpy() < before).all())

    def test_layers_without_heads_are_refused(self):
        gate = keras_l0.L0Gate(layers.Dense(3, name="d"), on="heads")
        with self.assertRaisesRegex(
            ValueError,
            "`on='heads'` needs a MultiHeadAttention or a GroupQueryAttention "
            r"layer with kernels of its own. Received: layer='d' \(Dense\)",
        ):
            gate.build((2, 4))

    def test_adapted_kernels_are_refused(self):
        layer = MAKERS["multi_head"]()
        layer.build((2, 5, 6), (2, 4, 6))
        layer.query_dense.enable_lora(1)
        gate = keras_l0.L0Gate(layer, on="heads")
        query, value = tensors()
        with self.assertRaisesRegex(ValueError, "with kernels of its own"):
            gate(query, value=value)

    def test_value_is_taken_by_name(self):
        gate = keras_l0.L0Gate(
            layers.MultiHeadAttention(2, 3, name="mha"), on="heads"
        )
        query, value = tensors()
        for args in ((query,), (query, value)):
            with self.assertRaisesRegex(
                ValueError,
                r"`on='heads'` takes the query first, and `value=` \(and "
                r"`key=`\) by name. Received: layer='mha', value=None",
            ):
                gate(*args)

    def test_scores_are_refused(self):
        gate = self.gated("multi_head", spread(HEADS))
        query, value = tensors()
        with self.assertRaisesRegex(
            ValueError, "`on='heads'` has no gates for attention scores."
        ):
            gate(query, value=value, return_attention_scores=True)

    def test_one_draw_serves_the_batch(self):
        query, value = tensors()
        gate = keras_l0.L0Gate(
            MAKERS["multi_head"](), on="heads", noise_shape=(None, 4)
        )
        with self.assertRaisesRegex(
            ValueError, "`noise_shape` does not apply to `on='heads'`"
        ):
            gate(query, value=value)


if __name__ == "__main__":
    absltest.main()
