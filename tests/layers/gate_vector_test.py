"""Tests of GateVector: its logits, its draws, and how it is saved."""

import copy

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from keras import layers

import keras_l0
from tests.layers import gate_oracle
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import spread

X = np.ones((2, 4), "float32")


def vector(num_gates=5, **kwargs):
    """A vector whose logits are all 0."""
    made = keras_l0.GateVector(**kwargs)
    made.build((num_gates,))
    made.logits.assign(np.zeros(num_gates))
    return made


class GateVectorTest(LayerTestCase):
    def test_logits_start_where_the_family_says(self):
        gate = keras_l0.gates.HardConcrete(drop_rate=0.3)
        made = keras_l0.GateVector(gate)
        made.build((1000,))
        logits = made.logits.numpy()
        self.assertEqual(made.num_gates, 1000)
        self.assertEqual(logits.dtype, np.float32)
        self.assert_mean_close(logits, np.log(0.7 / 0.3))
        # The relative error of a standard deviation of n is 1 / sqrt(2 n):
        # 5 of them fail with probability 6e-7.
        self.assertAllClose(np.std(logits), 0.01, rtol=5 / np.sqrt(2000))

    def test_closed_forms(self):
        made = vector(7)
        made.logits.assign(spread(7))
        self.assertAllClose(
            made.prob_nonzero(), gate_oracle.prob_nonzero(spread(7))
        )
        self.assertAllClose(
            made.deterministic_gate(), gate_oracle.deterministic_gate(spread(7))
        )

    def test_values_follow_the_variable(self):
        # TFP copies the value of a Keras variable: never keep a distribution.
        made = vector(2)
        read = tf.function(lambda: (made.prob_nonzero(), made.draw()))
        for logit, value in ((1000.0, 1.0), (-1000.0, 0.0)):
            made.logits.assign([logit, logit])
            for tensors in (read(), (made.prob_nonzero(), made.draw())):
                self.assertAllEqual(tensors, [[value] * 2] * 2)

    def test_gradients_reach_the_variable(self):
        made = vector(5)
        for function in (
            made.prob_nonzero,
            made.deterministic_gate,
            made.draw,
            lambda: made.draw(3),
        ):
            with tf.GradientTape() as tape:
                value = function()
            gradient = tape.gradient(value, made.logits.value)
            self.assertNotAllEqual(gradient, np.zeros(5))

    def test_draw_shapes(self):
        made = vector(5)
        self.assertEqual(made.draw().shape, (5,))
        self.assertEqual(made.draw(3).shape, (3, 5))
        self.assertEqual(made.draw(tf.constant(3)).shape, (3, 5))
        self.assertEqual(made.draw().dtype, tf.float32)

    def test_draws_have_the_family_s_distribution(self):
        # Rows of the table of reference values: logits, P(0), P(1), mean,
        # variance. 4 standard errors of each: see assert_mean_close.
        table = np.array(
            [
                [-2, 0.599024736, 0.026633345, 0.142676103, 0.072250055],
                [0, 0.168177816, 0.168177816, 0.5, 0.148017889],
                [1, 0.069228779, 0.354664778, 0.707054177, 0.122533584],
            ]
        )
        logits, zero, one, mean, variance = table.T
        made = vector(3)
        made.logits.assign(logits)
        z = made.draw(20000).numpy()
        self.assertTrue(np.all((z >= 0) & (z <= 1)))
        self.assert_mean_close(1.0 * (z == 0), zero)
        self.assert_mean_close(1.0 * (z == 1), one)
        self.assert_mean_close(z, mean)
        self.assert_mean_close((z - mean) ** 2, variance)

    def test_draws_differ_and_each_advances_the_seed(self):
        made = vector(20)
        first, second = made.draw(), made.draw()
        self.assertNotAllEqual(first, second)
        self.assertEqual(self.seed_state(made)[1], 2)

    def test_seed_reproduces_draws(self):
        draws = [vector(20, seed=seed).draw() for seed in (3, 3, 4)]
        self.assertAllEqual(draws[0], draws[1])
        self.assertNotAllEqual(draws[0], draws[2])

    def test_global_seed_reproduces_draws(self):
        draws = []
        for seed in (3, 3, 4):
            keras.utils.set_random_seed(seed)
            draws.append(vector(20).draw())
        self.assertAllEqual(draws[0], draws[1])
        self.assertNotAllEqual(draws[0], draws[2])

    def test_vectors_draw_independently(self):
        self.assertNotAllEqual(vector(20).draw(), vector(20).draw())

    def test_inference_draws_nothing(self):
        made = vector()
        before = self.seed_state(made)
        made.deterministic_gate()
        made.prob_nonzero()
        self.assertAllEqual(self.seed_state(made), before)

    def test_build_happens_once(self):
        made = vector(5)
        logits = made.logits
        made.build((5,))
        self.assertIs(made.logits, logits)
        self.assertLen(made.weights, 1)

    def test_unbuilt_vector_says_so(self):
        made = keras_l0.GateVector(name="stream")
        for function in (
            lambda: made.num_gates,
            made.prob_nonzero,
            made.deterministic_gate,
            made.draw,
        ):
            with self.assertRaisesRegex(
                RuntimeError,
                "GateVector 'stream' has no gates yet: call the model on "
                "data, or `build` it, first.",
            ):
                function()

    def test_unknown_gate(self):
        with self.assertRaisesRegex(ValueError, "Unknown `gate`.*'hard'"):
            keras_l0.GateVector("hard")

    def test_logits_stay_float32(self):
        for policy in ("mixed_float16", "mixed_bfloat16", "float64", "float16"):
            keras.config.set_dtype_policy(policy)
            made = vector(3)
            self.assertEqual(made.logits.dtype, "float32")
            for tensor in (
                made.draw(),
                made.deterministic_gate(),
                made.prob_nonzero(),
            ):
                self.assertEqual(tensor.dtype, tf.float32)


class SavedSeedTest(LayerTestCase):
    def test_draws_go_on_where_they_were(self):
        model = keras.Sequential(
            [keras.Input((4,)), keras_l0.L0Gate(layers.Activation("linear"))]
        )
        for _ in range(3):
            model(X, training=True)
        folder = self.create_tempdir().full_path
        model.save(f"{folder}/model.keras")
        model.save_weights(f"{folder}/model.weights.h5")
        copies = [
            keras.saving.load_model(f"{folder}/model.keras"),
            copy.deepcopy(model),
            keras.models.clone_model(model),
        ]
        copies[2].load_weights(f"{folder}/model.weights.h5")
        expected = model(X, training=True)
        for other in copies:
            self.assertAllEqual(other(X, training=True), expected)

    def test_integer_seed_is_kept(self):
        made = keras_l0.GateVector(seed=3)
        other = keras_l0.GateVector.from_config(made.get_config())
        self.assertEqual(other.seed, 3)
        for each in (made, other):
            each.build((20,))
            each.logits.assign(np.zeros(20))
        self.assertAllEqual(other.draw(), made.draw())


class SharedVectorTest(LayerTestCase):
    """Two wrappers, one in a nested model, hold one vector."""

    def setUp(self):
        super().setUp()
        stream = keras_l0.GateVector(
            keras_l0.gates.HardConcrete(drop_rate=0.2), name="stream"
        )
        inner = keras.Sequential(
            [
                keras.Input((4,)),
                keras_l0.L0Gate(
                    layers.Dense(3), gate_vector=stream, name="right"
                ),
            ],
            name="inner",
        )
        x = keras.Input((4,))
        left = keras_l0.L0Gate(layers.Dense(3), gate_vector=stream, name="left")
        self.model = keras.Model(x, [left(x), inner(x)])
        stream.logits.assign([-3.0, 0.0, 3.0])

    def wrappers(self, model):
        return (
            model.get_layer("left"),
            model.get_layer("inner").get_layer("right"),
        )

    def check(self, other):
        """The copy computes the same, shares a vector, and not the source's."""
        left, right = self.wrappers(other)
        self.assertIs(left.gate_vector, right.gate_vector)
        source = self.wrappers(self.model)[0].gate_vector
        self.assertIsNot(left.gate_vector, source)
        self.assertEqual(left.gate_vector.gate.drop_rate, 0.2)
        self.assertLen(other.trainable_variables, 5)
        for training in (False, True):
            y = other(X, training=training)
            self.assertAllEqual(y, self.model(X, training=training))
        left.gate_vector.logits.assign([3.0, 3.0, -3.0])
        self.assertAllEqual(source.logits, [-3.0, 0.0, 3.0])
        for y in other(X):
            self.assertAllEqual(y[:, 2], [0, 0])

    def test_weights_are_counted_once(self):
        self.assertLen(self.model.trainable_variables, 5)
        self.assertLen(keras_l0.layers.gate_vectors(self.model), 1)

    def test_keras_file(self):
        path = f"{self.create_tempdir().full_path}/model.keras"
        self.model.save(path)
        self.check(keras.saving.load_model(path))

    def test_deepcopy(self):
        self.check(copy.deepcopy(self.model))

    def test_weights_file(self):
        path = f"{self.create_tempdir().full_path}/model.weights.h5"
        self.model.save_weights(path)
        other = copy.deepcopy(self.model)
        for variable in other.variables:
            variable.assign(keras.ops.zeros_like(variable))
        other.load_weights(path)
        self.check(other)

    def test_clone_with_a_function_that_remembers(self):
        copies = {}

        def clone(layer):
            config = layer.get_config()
            if isinstance(layer, keras_l0.L0Gate):
                key = id(layer.gate_vector)
                if key not in copies:
                    copies[key] = keras_l0.GateVector.from_config(
                        layer.gate_vector.get_config()
                    )
                inner = type(layer.layer).from_config(layer.layer.get_config())
                del config["layer"], config["gate_vector"]
                return keras_l0.L0Gate(inner, gate_vector=copies[key], **config)
            return type(layer).from_config(config)

        other = keras.models.clone_model(
            self.model, clone_function=clone, recursive=True
        )
        other.set_weights(self.model.get_weights())
        source = self.wrappers(self.model)[0].gate_vector.seed_generator
        left = self.wrappers(other)[0]
        left.gate_vector.seed_generator.state.assign(source.state)
        self.check(other)

    def test_plain_clone_has_a_vector_for_each_wrapper(self):
        # Keras builds each layer from its own config: nothing can be shared.
        other = keras.models.clone_model(self.model)
        left, right = self.wrappers(other)
        self.assertIsNot(left.gate_vector, right.gate_vector)
        for wrapper, source in zip(
            (left, right), self.wrappers(self.model), strict=True
        ):
            wrapper.layer.set_weights(source.layer.get_weights())
            wrapper.gate_vector.logits.assign(source.gate_vector.logits)
        self.assertAllEqual(other(X), self.model(X))


if __name__ == "__main__":
    absltest.main()
