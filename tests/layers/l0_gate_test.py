"""Tests of L0Gate as a Keras layer: arguments, config, masks, inner state."""

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
from tests.layers.layer_test_case import twin

X = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
IDS = np.array([[3, 1, 4, 0, 0], [1, 5, 0, 0, 0], [2, 6, 5, 3, 5]])


class ArgumentsTest(LayerTestCase):
    @parameterized.parameters("dense", None, 3, keras.layers.Dense)
    def test_layer_that_is_not_a_layer(self, layer):
        name = type(layer).__name__
        with self.assertRaisesRegex(
            TypeError,
            rf"`layer` must be a `keras.layers.Layer`. Received: "
            rf"layer=.* \({name}\)",
        ):
            keras_l0.L0Gate(layer)

    def test_unknown_gate(self):
        with self.assertRaisesRegex(
            ValueError,
            r"Unknown `gate`. Expected one of \('hard_concrete'.*\) or a "
            "`keras_l0.gates.Gate`. Received: gate='hard'",
        ):
            keras_l0.L0Gate(layers.Dense(3), "hard")

    def test_gate_of_the_wrong_type(self):
        with self.assertRaisesRegex(
            TypeError,
            "`gate` must be the name of a gate family or a "
            r"`keras_l0.gates.Gate`. Received: gate=0.5 \(float\)",
        ):
            keras_l0.L0Gate(layers.Dense(3), 0.5)

    @parameterized.parameters("output", "units", None, 3)
    def test_unknown_on(self, on):
        with self.assertRaisesRegex(
            ValueError,
            r"Unknown `on`. Expected one of \('outputs', 'inputs', "
            rf"'weights', 'heads'\). Received: on={on!r}",
        ):
            keras_l0.L0Gate(layers.Dense(3), on=on)

    @parameterized.product(
        name=("l0", "l2"),
        case=(
            (-1e-6, ValueError, "must not be negative. Received: {}=-1e-06"),
            (np.nan, ValueError, "must be finite. Received: {}=nan"),
            (np.inf, ValueError, "must be finite. Received: {}=inf"),
            ("0.1", TypeError, r"must be a number. Received: {}='0.1' \(str\)"),
            (True, TypeError, r"must be a number. Received: {}=True \(bool\)"),
        ),
    )
    def test_factor_out_of_range(self, name, case):
        value, error, words = case
        with self.assertRaisesRegex(error, f"`{name}` {words.format(name)}"):
            keras_l0.L0Gate(layers.Dense(3), **{name: value})

    @parameterized.parameters((0.0, 1.1), (-0.1, 1.0), (0.1, 0.9))
    def test_stretch_that_cannot_reach_both_ends(self, low, high):
        with self.assertRaisesRegex(
            ValueError,
            "`stretch_low` must be below 0 and `stretch_high` above 1, so "
            "that the gate can reach both. Received: "
            f"stretch_low={low}, stretch_high={high}",
        ):
            keras_l0.gates.HardConcrete(stretch_low=low, stretch_high=high)

    def test_gate_vector_of_the_wrong_type(self):
        with self.assertRaisesRegex(
            TypeError,
            "`gate_vector` must be a `keras_l0.GateVector`. "
            "Received: gate_vector='stream'",
        ):
            keras_l0.L0Gate(layers.Dense(3), gate_vector="stream")

    def test_gate_beside_gate_vector(self):
        with self.assertRaisesRegex(
            ValueError,
            "`gate_vector` brings its own gate family; pass either `gate` or "
            "`gate_vector`. Received: gate='hard_concrete'",
        ):
            keras_l0.L0Gate(
                layers.Dense(3),
                "hard_concrete",
                gate_vector=keras_l0.GateVector(),
            )

    def test_gate_vector_of_another_size(self):
        stream = keras_l0.GateVector(name="stream")
        keras_l0.L0Gate(layers.Dense(3), gate_vector=stream)(X)
        gate = keras_l0.L0Gate(
            layers.Dense(4), gate_vector=stream, name="second"
        )
        with self.assertRaisesRegex(
            ValueError,
            "`gate_vector` 'stream' has 3 gates, but L0Gate 'second' gates 4 "
            "units.",
        ):
            gate(X)
        self.assertEqual(stream.num_gates, 3)

    @parameterized.parameters(
        ((None, 4),), ((2, 3),), ((None,),), ((None, 1, 3),), ((),)
    )
    def test_noise_shape_that_does_not_fit(self, noise_shape):
        gate = keras_l0.L0Gate(layers.Dense(3), noise_shape=noise_shape)
        with self.assertRaisesRegex(
            ValueError,
            "`noise_shape` must be 1 along every axis but the gated one, and "
            r"None .* Expected \(None, 3\). Received: noise_shape=\(",
        ):
            gate(X)

    def test_noise_shape_that_is_no_tuple(self):
        with self.assertRaisesRegex(
            TypeError,
            "`noise_shape` must be a tuple or None. Received: "
            r"noise_shape=3 \(int\)",
        ):
            keras_l0.L0Gate(layers.Dense(3), noise_shape=3)

    def test_noise_shape_of_weights(self):
        gate = keras_l0.L0Gate(
            layers.Dense(3), on="weights", noise_shape=[None, 12]
        )
        with self.assertRaisesRegex(
            ValueError,
            "`noise_shape` does not apply to `on='weights'`: one draw serves "
            r"the batch. Received: noise_shape=\(None, 12\)",
        ):
            gate(X)

    def test_gate_may_be_an_object(self):
        gate = keras_l0.gates.HardConcrete(drop_rate=0.1)
        self.assertIs(
            keras_l0.L0Gate(layers.Dense(3), gate).gate_vector.gate, gate
        )


class ConfigTest(LayerTestCase):
    def test_config_is_left_alone_and_makes_independent_wrappers(self):
        gate = keras_l0.L0Gate(layers.Dense(3), l0=0.1, axis=1)
        config, same = gate.get_config(), gate.get_config()
        first = keras_l0.L0Gate.from_config(config)
        second = keras_l0.L0Gate.from_config(config)
        self.assertEqual(config, same)
        self.assertIsNot(first.gate_vector, second.gate_vector)
        self.assertIsNot(first.layer, second.layer)

    def test_config_has_the_first_factor_and_the_file_the_last(self):
        gate = keras_l0.L0Gate(layers.Dense(3), l0=0.1)
        model = keras.Sequential([keras.Input((4,)), gate])
        gate.l0.assign(0.3)
        self.assertEqual(gate.get_config()["l0"], 0.1)
        path = f"{self.create_tempdir().full_path}/model.keras"
        model.save(path)
        other = keras.saving.load_model(path).layers[0]
        self.assertAllClose(other.l0, 0.3)

    def test_trainable_is_kept(self):
        gate = keras_l0.L0Gate(layers.Dense(3))
        gate.gate_vector.trainable = False
        other = keras_l0.L0Gate.from_config(gate.get_config())
        self.assertTrue(other.trainable)
        self.assertTrue(other.layer.trainable)
        self.assertFalse(other.gate_vector.trainable)

    def test_policy_is_the_layer_s(self):
        x = tf.constant(X, "float64")
        gate = keras_l0.L0Gate(layers.Dense(3, dtype="float64"))
        y = gate(x)
        self.assertEqual(y.dtype, tf.float64)
        z = gate_oracle.deterministic_gate(gate.gate_vector.logits.numpy())
        # float32 gates times a float64 product of the float64 input.
        self.assertAllClose(y, gate.layer(x) * z, rtol=1e-6)
        self.assertAllClose(
            y / gate.gate_vector.deterministic_gate().numpy(),
            gate.layer(x),
            rtol=1e-14,
        )
        gate = keras_l0.L0Gate(layers.Dense(3, dtype="mixed_bfloat16"))
        self.assertEqual(gate(keras.Input((4,))).dtype, "bfloat16")
        gate = keras_l0.L0Gate(
            layers.Dense(3, dtype="mixed_bfloat16"), dtype="float32"
        )
        self.assertEqual(gate.compute_dtype, "float32")

    def test_quantized_layer(self):
        dense = layers.Dense(3)
        dense.build(X.shape)
        dense.quantize("int8")
        gate = self.gate(dense, X, saturated(3)[0])
        self.assert_float32_close(gate(X), dense(X) * saturated(3)[1])
        with self.assertRaisesRegex(ValueError, "`on='weights'` needs"):
            keras_l0.L0Gate(dense, on="weights").build(X.shape)

    def test_shapes_are_the_layer_s(self):
        gate = keras_l0.L0Gate(layers.Conv2D(3, 2, strides=2))
        shape = gate.compute_output_shape((None, 7, 9, 2))
        self.assertEqual(shape, (None, 3, 4, 3))

    def test_summary_counts_logits(self):
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras_l0.L0Gate(layers.Dense(3), l0=0.1, name="gated"),
                layers.Dense(2),
            ]
        )
        lines = []
        model.summary(print_fn=lines.append)
        (row,) = [r for r in "\n".join(lines).split("\n") if "gated" in r]
        # (4 + 1) * 3 weights, 3 logits, 1 factor.
        self.assertRegex(row, r"gated \(L0Gate\) .*\(None, 3\) .* 19 ")
        counted = "\n".join(lines)
        self.assertRegex(counted, r"Trainable params: 26 ")
        self.assertRegex(counted, r"Non-trainable params: 1 ")

    def test_sequential_without_input_is_built_by_data(self):
        model = keras.Sequential([keras_l0.L0Gate(layers.Dense(3))])
        self.assertEqual(model(X).shape, (2, 3))
        self.assertEqual(model.layers[0].gate_vector.num_gates, 3)

    def test_model_can_be_wrapped(self):
        inner = keras.Sequential([layers.Dense(3), layers.ReLU()])
        gate = self.gate(inner, X, saturated(3)[0])
        self.assert_float32_close(
            gate(X, training=True), inner(X) * saturated(3)[1]
        )


class MaskTest(LayerTestCase):
    """Open gates: everything must be as without them, masks included."""

    def open(self, model):
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(1000.0 * np.ones(vector.num_gates))
        return model

    def check(self, make):
        """`make(wrap)` builds a model; `wrap` gates a layer or does not."""
        gate = keras_l0.gates.HardConcrete(clamp=None)
        plain = make(lambda layer, **kwargs: layer)
        gated = make(lambda layer, **kw: keras_l0.L0Gate(layer, gate, **kw))
        plain(IDS)
        gated(IDS)
        self.open(gated)
        weights = [w for w in gated.weights if w.name != "logits"]
        for weight, value in zip(weights, plain.get_weights(), strict=True):
            weight.assign(value)
        for training in (False, True):
            expected = plain(IDS, training=training)
            self.assertAllEqual(gated(IDS, training=training), expected)
        # ... and the mask does matter.
        others = np.where(IDS == 0, 7, IDS)
        self.assertNotAllClose(plain(others), plain(IDS))

    @parameterized.parameters("outputs", "inputs")
    def test_mask_passes_a_gated_layer(self, on):
        def make(wrap):
            embedding = layers.Embedding(8, 3, mask_zero=True)
            dense = wrap(layers.Dense(4, activation="tanh"), on=on)
            return keras.Sequential([embedding, dense, layers.LSTM(3)])

        self.check(make)

    def test_mask_passes_a_gated_layer_of_a_functional_model(self):
        def make(wrap):
            ids = keras.Input((5,), dtype="int32")
            x = layers.Embedding(8, 3, mask_zero=True)(ids)
            x = wrap(layers.Dense(4))(x)
            x = wrap(layers.BatchNormalization(), on="inputs")(x)
            return keras.Model(ids, wrap(layers.LSTM(3))(x))

        self.check(make)

    def test_gated_embedding_makes_a_mask(self):
        def make(wrap):
            embedding = wrap(layers.Embedding(8, 3, mask_zero=True))
            return keras.Sequential([embedding, layers.LSTM(3)])

        self.check(make)

    @parameterized.parameters("outputs", "inputs", "weights")
    def test_gated_layer_uses_the_mask(self, on):
        def make(wrap):
            embedding = layers.Embedding(8, 3, mask_zero=True)
            return keras.Sequential([embedding, wrap(layers.LSTM(3), on=on)])

        self.check(make)

    def test_nested_gates_pass_the_mask(self):
        def make(wrap):
            embedding = layers.Embedding(8, 3, mask_zero=True)
            lstm = wrap(wrap(layers.LSTM(3), on="inputs"))
            return keras.Sequential([embedding, lstm])

        self.check(make)


class Noisy(layers.Layer):
    """Has all that a plain `keras.StatelessScope` would swallow."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(
            3,
            kernel_regularizer=keras.regularizers.L2(0.5),
            activity_regularizer=keras.regularizers.L1(0.25),
        )
        self.dropout = layers.Dropout(0.5, seed=3)
        self.normalization = layers.BatchNormalization()

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.dropout.build((None, 3))
        self.normalization.build((None, 3))
        self.calls = self.add_weight(name="calls", trainable=False)
        self.calls.assign(0)

    def call(self, inputs):
        self.calls.assign_add(1)
        self.add_loss(keras.ops.sum(inputs))
        return self.normalization(self.dropout(self.dense(inputs)))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)


class InnerStateTest(LayerTestCase):
    """With open gates a layer does all that it does without them."""

    @parameterized.product(
        on=("outputs", "inputs", "weights"), graph=(False, True)
    )
    def test_updates_and_losses_survive(self, on, graph):
        gate = self.gate(Noisy(), X, on=on)
        gate.gate_vector.logits.assign(
            1000.0 * np.ones(gate.gate_vector.num_gates)
        )
        plain = Noisy()
        plain.build(X.shape)
        plain.set_weights(gate.layer.get_weights())

        @tf.function
        def traced(x):
            return gate(x, training=True), gate.losses

        def run(x):
            return traced(x) if graph else (gate(x, training=True), gate.losses)

        for _ in range(2):
            expected = plain(X, training=True)
            y, losses = run(tf.constant(X))
            self.assert_float32_close(y, expected)
            # The layer's own, the activity's and the kernel's.
            self.assertLen(losses, 3)
            self.assertAllClose(sorted(losses), sorted(plain.losses))
        # Calls, moving statistics and the generator's state.
        for variable, known in zip(
            gate.layer.non_trainable_variables,
            plain.non_trainable_variables,
            strict=True,
        ):
            self.assertAllClose(variable, known)
        self.assertAllEqual(gate.layer.calls, 2)

    def test_statistics_see_the_gated_weights(self):
        # BN's statistics are those of its input, whatever gamma is.
        x = np.random.default_rng(3).normal(2, 3, (64, 4)).astype("float32")
        gate = self.gate(
            layers.BatchNormalization(momentum=0.9), x, on="weights"
        )
        gate.gate_vector.logits.assign(saturated(4)[0])
        y = gate(x, training=True)
        self.assert_float32_close(gate.layer.moving_mean, 0.1 * x.mean(0))
        self.assert_float32_close(
            gate.layer.moving_variance, 0.9 + 0.1 * x.var(0)
        )
        self.assertAllEqual(np.any(y, axis=0), saturated(4)[1] == 1)

    def test_training_reaches_the_layer_where_nobody_else_says_so(self):
        # stateless_call runs `call` itself, so that no context knows it.
        gate = self.gate(layers.BatchNormalization(momentum=0.0), X)
        names = [v.name for v in gate.non_trainable_variables]
        _, state = gate.stateless_call(
            [v.value for v in gate.trainable_variables],
            [v.value for v in gate.non_trainable_variables],
            X,
            training=True,
        )
        state = dict(zip(names, state, strict=True))
        self.assert_float32_close(state["moving_mean"], X.mean(0))
        self.assertAllEqual(state["seed_generator_state"][1], 1)
        self.assertAllEqual(gate.layer.moving_mean, np.zeros(4))

    def test_nested_gates_multiply(self):
        inner = keras_l0.L0Gate(layers.Dense(3), on="inputs")
        middle = keras_l0.L0Gate(inner, on="weights")
        gate = keras_l0.L0Gate(middle)
        gate(X)
        gate.gate_vector.logits.assign(spread(3))
        middle.gate_vector.logits.assign(spread(12))
        inner.gate_vector.logits.assign(spread(4))
        z_out, z_weights, z_in = (
            gate_oracle.deterministic_gate(spread(n)) for n in (3, 12, 4)
        )
        layer = twin(inner.layer, X.shape)
        kernel = layer.kernel.numpy() * z_weights.reshape(4, 3)
        self.assert_float32_close(gate(X), (X * z_in) @ kernel * z_out)


if __name__ == "__main__":
    absltest.main()
