"""Tests of gates on recurrent layers against the recurrences written out.

In the references every use of an output at the next step is `z * h`.
"""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0.layers import weight_groups
from tests.layers import gate_oracle
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import saturated
from tests.layers.layer_test_case import spread

UNITS = 5
BIAS = keras.initializers.RandomNormal(0.3, 0.3)
OPTIONS = {"bias_initializer": BIAS, "recurrent_initializer": "glorot_normal"}

MAKERS = {
    "simple": lambda **kwargs: layers.SimpleRNN(UNITS, **OPTIONS, **kwargs),
    "gru": lambda **kwargs: layers.GRU(UNITS, **OPTIONS, **kwargs),
    "gru_before": lambda **kwargs: layers.GRU(
        UNITS, reset_after=False, **OPTIONS, **kwargs
    ),
    "lstm": lambda **kwargs: layers.LSTM(UNITS, **OPTIONS, **kwargs),
}


def simple(x, z, kernel, recurrent, bias):
    h, outputs = tf.zeros((len(x), UNITS)), []
    for t in range(x.shape[1]):
        h = tf.tanh(x[:, t] @ kernel + (z * h) @ recurrent + bias)
        outputs.append(z * h)
    return outputs, [z * h]


def lstm(x, z, kernel, recurrent, bias):
    h = c = tf.zeros((len(x), UNITS))
    outputs = []
    for t in range(x.shape[1]):
        sums = x[:, t] @ kernel + (z * h) @ recurrent + bias
        i, f, g, o = tf.split(sums, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        outputs.append(z * h)
    return outputs, [z * h, z * c]


def gru(x, z, kernel, recurrent, bias):
    """Its bias tells whether the reset comes after the product."""
    h, outputs = tf.zeros((len(x), UNITS)), []
    after = len(bias.shape) == 2
    inner = bias[1] if after else tf.zeros_like(bias)
    for t in range(x.shape[1]):
        sums = x[:, t] @ kernel + (bias[0] if after else bias)
        u, r, n = tf.split(sums, 3, axis=1)
        own = tf.split(recurrent, 3, axis=1)
        add = tf.split(inner, 3)
        u = tf.sigmoid(u + (z * h) @ own[0] + add[0])
        r = tf.sigmoid(r + (z * h) @ own[1] + add[1])
        if after:
            n = tf.tanh(n + r * ((z * h) @ own[2] + add[2]))
        else:
            n = tf.tanh(n + (r * z * h) @ own[2])
        h = u * h + (1 - u) * n
        outputs.append(z * h)
    return outputs, [z * h]


REFERENCES = {"simple": simple, "gru": gru, "gru_before": gru, "lstm": lstm}


def inputs():
    return np.random.default_rng(3).normal(size=(2, 4, 3)).astype("float32")


def built(layer):
    layer.build((2, 4, 3))
    return layer


class RecurrentGatesTest(LayerTestCase):
    @parameterized.product(kind=sorted(MAKERS), backwards=(False, True))
    def test_every_use_of_the_output_is_gated(self, kind, backwards):
        x = inputs()
        layer = MAKERS[kind](
            return_sequences=True, return_state=True, go_backwards=backwards
        )
        gate = self.gate(layer, x)
        logits = gate.gate_vector.logits
        for training, values in (
            (False, spread(UNITS)),
            (True, saturated(UNITS)[0]),
        ):
            logits.assign(values)
            weights = [tf.constant(w) for w in layer.get_weights()]
            z = tf.constant(gate_oracle.deterministic_gate(values), tf.float32)
            with tf.GradientTape() as tape:
                tape.watch([z, *weights])
                steps = x[:, ::-1] if backwards else x
                outputs, states = REFERENCES[kind](steps, z, *weights)
                value = tf.reduce_sum(tf.stack(outputs, 1)[..., :3] ** 2)
            dz, *dw = tape.gradient(value, [z, *weights])
            with tf.GradientTape() as tape:
                y, *found = gate(x, training=training)
                actual = tf.reduce_sum(y[..., :3] ** 2)
            self.assert_float32_close(y, tf.stack(outputs, 1))
            for state, expected in zip(found, states, strict=True):
                self.assert_float32_close(state, expected)
            variables = [logits.value, *[w.value for w in layer.weights]]
            expected = [dz * gate_oracle.gate_slope(values), *dw]
            for gradient, known in zip(
                tape.gradient(actual, variables), expected, strict=True
            ):
                self.assert_float32_close(gradient, known, ulps=1024)

    def test_gates_along_time_leave_the_state_alone(self):
        x = inputs()
        layer = layers.GRU(UNITS, return_sequences=True)
        gate = self.gate(layer, x, spread(4), axis=1)
        z = gate_oracle.deterministic_gate(spread(4))
        self.assert_float32_close(gate(x), layer(x) * z[:, None])

    @parameterized.parameters("concat", "sum", "ave", "mul")
    def test_bidirectional(self, merge):
        x = inputs()
        both = layers.Bidirectional(
            MAKERS["gru"](return_sequences=True), merge_mode=merge
        )
        size = 2 * UNITS if merge == "concat" else UNITS
        gate = self.gate(both, x, spread(size))
        z = gate_oracle.deterministic_gate(spread(size))
        parts = np.split(z, 2) if merge == "concat" else [z, z]
        ways = []
        for layer, part, steps in zip(
            (both.forward_layer, both.backward_layer),
            parts,
            (x, x[:, ::-1]),
            strict=True,
        ):
            # The recurrence with its state gated, its output as it is.
            weights = [tf.constant(w) for w in layer.get_weights()]
            weights[1] = weights[1] * tf.cast(part, tf.float32)[:, None]
            outputs, _ = gru(steps, tf.ones(UNITS), *weights)
            ways.append(np.stack(outputs, 1))
        one, other = ways[0], ways[1][:, ::-1]
        expected = {
            "concat": np.concatenate([one, other], axis=-1),
            "sum": one + other,
            "ave": (one + other) / 2,
            "mul": one * other,
        }[merge]
        self.assert_float32_close(gate(x), expected * z)

    def test_fit_trains_the_gates(self):
        x = inputs()
        gate = keras_l0.L0Gate(layers.LSTM(UNITS), l0=1.0)
        model = keras.Sequential([keras.Input((4, 3)), gate])
        model.compile("adam", "mse")
        before = gate.gate_vector.logits.numpy()
        model.fit(x, np.zeros((2, UNITS)), verbose=0)
        self.assertTrue((gate.gate_vector.logits.numpy() != before).all())

    def test_gates_of_single_examples_are_refused(self):
        layer = layers.LSTM(UNITS, name="r")
        with self.assertRaisesRegex(
            ValueError,
            "`noise_shape` must be 1 along the batch axis of a recurrent "
            r"layer: .* Received: layer='r' \(LSTM\), "
            r"noise_shape=\(None, 5\)",
        ):
            self.gate(layer, inputs(), noise_shape=(None, UNITS))
        self.gate(layer, inputs(), noise_shape=(1, UNITS))


class RecurrentGroupsTest(LayerTestCase):
    @parameterized.parameters(
        ("simple", 1, 1), ("gru", 3, 2), ("gru_before", 3, 1), ("lstm", 4, 1)
    )
    def test_group_is_all_of_a_units_columns(self, kind, blocks, biases):
        layer = built(MAKERS[kind]())
        groups = weight_groups.members(layer, "outputs", 1, 2)
        self.assertEqual(
            weight_groups.group_size(groups, UNITS),
            blocks * (3 + UNITS + biases),
        )
        expected = np.zeros(UNITS)
        for weight in layer.get_weights():
            for unit in range(UNITS):
                expected[unit] += np.sum(weight[..., unit::UNITS] ** 2)
        norms = weight_groups.squared_norms(groups, UNITS)
        self.assert_float32_close(norms, expected)

    @parameterized.parameters("concat", "sum")
    def test_groups_of_bidirectional(self, merge):
        layer = built(layers.Bidirectional(MAKERS["lstm"](), merge_mode=merge))
        size = 2 * UNITS if merge == "concat" else UNITS
        groups = weight_groups.members(layer, "outputs", 1, 2)
        one = 4 * (3 + UNITS + 1)
        self.assertEqual(
            weight_groups.group_size(groups, size), one * 2 * UNITS / size
        )
        ways = []
        for inner in (layer.forward_layer, layer.backward_layer):
            ways.append(
                [
                    sum(
                        np.sum(weight[..., unit::UNITS] ** 2)
                        for weight in inner.get_weights()
                    )
                    for unit in range(UNITS)
                ]
            )
        expected = (
            np.concatenate(ways) if merge == "concat" else np.sum(ways, 0)
        )
        norms = weight_groups.squared_norms(groups, size)
        self.assert_float32_close(norms, expected)

    def test_group_of_an_input(self):
        layer = built(MAKERS["lstm"]())
        groups = weight_groups.members(layer, "inputs", 2, 3)
        self.assertEqual(weight_groups.group_size(groups, 3), 4 * UNITS)
        expected = np.sum(layer.get_weights()[0] ** 2, axis=1)
        norms = weight_groups.squared_norms(groups, 3)
        self.assert_float32_close(norms, expected)


if __name__ == "__main__":
    absltest.main()
