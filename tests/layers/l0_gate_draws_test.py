"""Tests of when L0Gate draws, and of what shares a draw."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.layers import gate_oracle
from tests.layers.layer_test_case import LayerTestCase

# A gated identity on ones returns its gates.
ONES = np.ones((6, 20), "float32")


def identity(**kwargs):
    return keras_l0.L0Gate(layers.Activation("linear"), **kwargs)


def row(y):
    """The one vector that every row of `y` equals."""
    y = np.asarray(y)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:1], y.shape))
    return y[0]


class OneDrawTest(LayerTestCase):
    """One draw per vector and pass, however many layers share it."""

    def setUp(self):
        super().setUp()
        self.vector = keras_l0.GateVector(seed=5)

    def gated(self, **kwargs):
        return identity(gate_vector=self.vector, **kwargs)

    def check_equal(self, model, x):
        """All outputs of each pass are the same gates, another each time."""
        passes = []
        for count in range(1, 4):
            outputs = [row(y) for y in model(x, training=True)]
            for y in outputs[1:]:
                self.assertAllEqual(y, outputs[0])
            self.assertEqual(self.seed_state(self.vector)[1], count)
            passes.append(outputs[0])
        self.assertNotAllEqual(passes[0], passes[1])
        self.assertNotAllEqual(passes[1], passes[2])

    def test_wrappers_share_the_draw(self):
        x = keras.Input((20,))
        outputs = [self.gated()(x), self.gated()(x), self.gated(on="inputs")(x)]
        self.check_equal(keras.Model(x, outputs), ONES)

    def test_calls_of_one_wrapper_share_the_draw(self):
        x = keras.Input((20,))
        shared = self.gated()
        self.check_equal(keras.Model(x, [shared(x), shared(1.0 * x)]), ONES)

    def test_nested_models_share_the_draw(self):
        x = keras.Input((20,))
        inner = keras.Sequential([self.gated()])
        self.check_equal(keras.Model(x, [inner(x), self.gated()(x)]), ONES)

    def test_traced_function_draws_once_per_pass(self):
        x = keras.Input((20,))
        model = keras.Model(x, [self.gated()(x), self.gated()(x)])
        traced = tf.function(lambda x, training: model(x, training=training))
        self.check_equal(traced, ONES)

    def test_time_steps_share_the_draw(self):
        model = layers.TimeDistributed(self.gated())
        x = np.ones((6, 4, 20), "float32")
        first = model(x, training=True)
        gates = row(row(first))
        self.assertEqual(self.seed_state(self.vector)[1], 1)
        self.assertNotAllEqual(row(row(model(x, training=True))), gates)

    def test_examples_share_the_draws_of_each(self):
        x = keras.Input((20,))
        shape = (None, 20)
        model = keras.Model(
            x,
            [
                self.gated(noise_shape=shape)(x),
                self.gated(noise_shape=shape)(x),
            ],
        )
        left, right = model(ONES, training=True)
        self.assertAllEqual(left, right)
        self.assertNotAllEqual(left[0], left[1])
        self.assertEqual(self.seed_state(self.vector)[1], 1)

    def test_vectors_draw_apart(self):
        x = keras.Input((20,))
        model = keras.Model(x, [identity()(x), identity()(x)])
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(np.zeros(20))
        left, right = model(ONES, training=True)
        self.assertNotAllEqual(left, right)

    def test_failed_pass_leaves_no_draw_behind(self):
        class Fails(layers.Layer):
            def call(self, inputs, training=None):
                if training:
                    raise ArithmeticError("on purpose")
                return inputs

        gate = self.gated()
        failing = keras.Sequential([gate, Fails()])
        failing(ONES)
        before = gate(ONES, training=True)
        with self.assertRaisesRegex(ArithmeticError, "on purpose"):
            failing(ONES, training=True)
        self.assertNotAllEqual(gate(ONES, training=True), before)
        self.assertEqual(self.seed_state(self.vector)[1], 3)


class InferenceTest(LayerTestCase):
    @parameterized.parameters("outputs", "inputs", "weights")
    def test_inference_is_deterministic_and_draws_nothing(self, on):
        gate = keras_l0.L0Gate(layers.Dense(20), on=on)
        first = gate(ONES)
        before = self.seed_state(gate)
        self.assertAllEqual(gate(ONES), first)
        self.assertAllEqual(gate(ONES, training=False), first)
        self.assertAllEqual(self.seed_state(gate), before)
        self.assertNotAllEqual(gate(ONES, training=True), first)

    def test_frozen_gates_are_those_of_inference(self):
        for noise_shape in (None, (None, 20)):
            gate = identity(noise_shape=noise_shape)
            expected = gate(ONES)
            before = self.seed_state(gate)
            for frozen in (gate.gate_vector, gate):
                frozen.trainable = False
                self.assertAllEqual(gate(ONES, training=True), expected)
                self.assertAllEqual(self.seed_state(gate), before)
                frozen.trainable = True
                self.assertNotAllEqual(gate(ONES, training=True), expected)
                before = self.seed_state(gate)

    def test_frozen_inner_layer_leaves_the_gates_alone(self):
        gate = keras_l0.L0Gate(layers.Dense(20))
        gate(ONES)
        gate.layer.trainable = False
        first = gate(ONES, training=True)
        self.assertNotAllEqual(gate(ONES, training=True), first)

    def test_rule_of_the_family_is_used(self):
        # Logits at which the rules differ: 0.0430, 0 and 0.1018, 0.
        gate = identity(gate=keras_l0.gates.HardConcrete(inference="median"))
        gate(np.ones((1, 3)))
        gate.gate_vector.logits.assign([-2, -1, 1])
        self.assertAllClose(
            gate(np.ones((1, 3))), [[0, 0.118910629, 0.881089371]], rtol=1e-6
        )


class SeedTest(LayerTestCase):
    def test_seed_reproduces_a_run(self):
        runs = []
        for seed in (3, 3, 4):
            gate = identity(gate_vector=keras_l0.GateVector(seed=seed))
            gate.build(ONES.shape)
            gate.gate_vector.logits.assign(np.zeros(20))
            runs.append([gate(ONES, training=True) for _ in range(2)])
        self.assertAllEqual(runs[0], runs[1])
        self.assertNotAllEqual(runs[0], runs[2])


class PerExampleTest(LayerTestCase):
    def test_one_draw_serves_the_batch(self):
        gate = keras_l0.L0Gate(layers.Dense(20))
        rng = np.random.default_rng(3)
        x = rng.normal(size=(6, 4)).astype("float32")
        x[1] = x[0]
        gate(x)
        states = []
        order = [3, 1, 5, 0, 4, 2]
        for rows in (x, x[order]):
            gate.gate_vector.seed_generator.state.assign([1, 2])
            states.append(np.array(gate(rows, training=True)))
        self.assertAllEqual(states[0][0], states[0][1])
        self.assert_float32_close(states[1], states[0][order])

    def test_batch_of_one_draw_by_shape(self):
        draws = []
        for shape in (None, (1, 20)):
            vector = keras_l0.GateVector(seed=5)
            gate = identity(gate_vector=vector, noise_shape=shape)
            gate.build(ONES.shape)
            vector.logits.assign(np.zeros(20))
            draws.append(row(gate(ONES, training=True)))
        self.assertAllEqual(draws[0], draws[1])

    @parameterized.parameters("outputs", "inputs")
    def test_each_example_has_its_own_draw(self, on):
        gate = keras_l0.L0Gate(layers.Dense(20), on=on, noise_shape=(None, 20))
        y = np.array(gate(ONES, training=True))
        for i in range(1, 6):
            self.assertNotAllEqual(y[0], y[i])
        self.assertAllEqual(row(gate(ONES)), gate(ONES)[0])

    def test_draw_of_an_example_covers_its_positions(self):
        gate = identity(noise_shape=(None, 1, 20, 1), axis=2)
        y = np.array(gate(np.ones((3, 4, 20, 5), "float32"), training=True))
        gates = y[:, :1, :, :1]
        self.assertAllEqual(y, np.broadcast_to(gates, y.shape))
        self.assertNotAllEqual(gates[0], gates[1])

    def test_batch_size_may_change(self):
        gate = identity(noise_shape=(None, 20))
        traced = tf.function(
            lambda x: gate(x, training=True),
            input_signature=[tf.TensorSpec((None, 20))],
        )
        for batch_size in (6, 2):
            y = np.array(traced(ONES[:batch_size]))
            self.assertEqual(y.shape, (batch_size, 20))
            self.assertNotAllEqual(y[0], y[1])

    def test_gradient_is_the_mean_over_examples(self):
        # d E[z] / d logits of the reference table at 0, 1 and 2.
        gate = identity(noise_shape=(None, 3))
        x = np.ones((20000, 3), "float32")
        gate.build(x.shape)
        gate.gate_vector.logits.assign([0, 1, 2])
        with tf.GradientTape() as tape:
            y = tf.reduce_mean(gate(x, training=True), axis=0)
        slope = tape.gradient(y, gate.gate_vector.logits.value)
        # Where 0 < z < 1 the slope is 1.5 * 1.2 * s (1 - s) <= 0.45; else 0.
        # Five standard errors of values in [0, 0.45]: 6e-7 each at most.
        self.assertAllClose(
            slope,
            [0.218728740, 0.184958366, 0.114058986],
            rtol=0,
            atol=5 * 0.225 / np.sqrt(20000),
        )

    def test_inner_layer_sees_the_whole_batch(self):
        gate = keras_l0.L0Gate(
            layers.BatchNormalization(momentum=0.0), noise_shape=(None, 20)
        )
        x = np.random.default_rng(3).normal(size=(6, 20)).astype("float32")
        gate(x, training=True)
        self.assert_float32_close(gate.layer.moving_mean, x.mean(axis=0))


class OptimizerStepTest(LayerTestCase):
    def steps(self, gate, rate):
        """Descends and ascends so steeply that only a clamp can hold it."""
        optimizer = keras.optimizers.SGD(rate)
        variables = gate.trainable_variables
        for sign in (1, 1, -1, -1):
            with tf.GradientTape() as tape:
                y = gate(ONES, training=True)
                loss = sign * (tf.reduce_mean(y) + tf.add_n(gate.losses))
            gradients = tape.gradient(loss, [v.value for v in variables])
            optimizer.apply(gradients, variables)
            yield sign

    def test_clamp_holds_after_every_step(self):
        gate = identity(l0=1.0)
        gate(ONES)
        for sign in self.steps(gate, 1000.0):
            logits = gate.gate_vector.logits.numpy()
            self.assertAllClose(np.abs(logits).max(), gate_oracle.LOG_100)
            self.assertAllEqual(np.sign(logits), -sign * np.ones(20))
        p = gate.gate_vector.prob_nonzero()
        self.assertAllClose(p, 0.997982279 * np.ones(20))

    def test_clamp_is_the_family_s(self):
        for clamp, reached in ((2.0, 2.0), (None, 50.0)):
            gate = identity(
                l0=1.0, gate=keras_l0.gates.HardConcrete(clamp=clamp)
            )
            gate(ONES)
            logits = gate.gate_vector.logits
            for _ in self.steps(gate, 1000.0):
                largest = np.abs(logits.numpy()).max()
                if clamp:
                    self.assertAllClose(largest, reached)
            if not clamp:
                self.assertGreater(largest, reached)

    def test_frozen_vector_does_not_move(self):
        gate = keras_l0.L0Gate(layers.Dense(20), l0=1.0, l2=1.0)
        gate(ONES)
        gate.gate_vector.trainable = False
        before = gate.gate_vector.logits.numpy()
        kernel = gate.layer.kernel.numpy()
        optimizer = keras.optimizers.SGD(1.0)
        variables = gate.trainable_variables
        self.assertLen(variables, 2)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(gate(ONES, training=True))
        optimizer.apply(
            tape.gradient(loss, [v.value for v in variables]), variables
        )
        self.assertAllEqual(gate.gate_vector.logits, before)
        self.assertNotAllEqual(gate.layer.kernel, kernel)


if __name__ == "__main__":
    absltest.main()
