"""Tests of L0Gate under plain `fit`, in the ways in which Keras runs it."""

import functools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.layers import gate_oracle
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import spread

RNG = np.random.default_rng(17)
X = RNG.normal(size=(10, 4)).astype("float32")
Y = RNG.normal(size=(10, 1)).astype("float32")


class CountTraces(layers.Layer):
    """Counts how often Python runs its `call`."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def call(self, inputs):
        self.count += 1
        return inputs


def network(l2=None):
    """Three kinds of gates, one vector of them shared; same for each call."""
    keras.utils.set_random_seed(3)
    stream = keras_l0.GateVector(seed=5)
    gate = functools.partial(keras_l0.L0Gate, l0=0.01)
    return keras.Sequential(
        [
            keras.Input((4,)),
            gate(
                layers.Dense(6, activation="relu"),
                gate_vector=stream,
                noise_shape=(None, 6),
                l2=l2,
            ),
            layers.BatchNormalization(),
            gate(layers.ReLU(), gate_vector=stream, noise_shape=(None, 6)),
            gate(layers.Dense(5), on="weights", l2=l2),
            gate(layers.Dense(1), on="inputs", l2=l2),
        ]
    )


def fit(model, epochs=2, callbacks=(), optimizer=None, **kwargs):
    kwargs.setdefault("jit_compile", False)
    model.compile(optimizer or keras.optimizers.Adam(0.05), "mse", **kwargs)
    return model.fit(
        X,
        Y,
        batch_size=4,  # two full batches and one of two examples
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
    ).history


class FitTest(LayerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        keras.utils.clear_session(free_memory=False)
        cls.model = network()
        cls.history = fit(cls.model)

    def check_same(self, model, history):
        """Same losses and weights as the plain run; float32 sums differ."""
        self.assertAllClose(history["loss"], self.history["loss"], rtol=1e-5)
        for variable, known in zip(
            model.variables, self.model.variables, strict=True
        ):
            # Adam divides by the root of the squared gradient.
            self.assertAllClose(variable, known, rtol=1e-3, atol=1e-4)

    def test_every_gate_moves_and_stays_clamped(self):
        start = network()
        for before, after in zip(
            start.trainable_variables,
            self.model.trainable_variables,
            strict=True,
        ):
            self.assertNotAllEqual(before, after)
            if before.name == "logits":
                logits = np.abs(after.numpy())
                self.assertLessEqual(logits.max(), gate_oracle.LOG_100 + 1e-6)

    def test_eager(self):
        model = network()
        self.check_same(model, fit(model, run_eagerly=True))

    def test_steps_per_execution(self):
        model = network()
        self.check_same(model, fit(model, steps_per_execution=2))

    def test_compiled_by_xla(self):
        # Its draws are others: what can be compared is what they obey.
        model = network()
        history = fit(model, jit_compile=True)
        self.assertLen(history["loss"], 2)
        self.assertTrue(np.all(np.isfinite(history["loss"])))
        start = network()
        for before, after in zip(
            start.trainable_variables, model.trainable_variables, strict=True
        ):
            self.assertNotAllEqual(before, after)
            self.assertTrue(np.all(np.isfinite(after)))
        # One draw per vector and step, 3 steps a epoch.
        self.assertEqual(self.seed_state(model.layers[0])[1], 6)
        self.assert_float32_close(
            model.predict(X, verbose=0), model(X, training=False)
        )

    def test_mixed_float16(self):
        keras.config.set_dtype_policy("mixed_float16")
        model = network(l2=0.01)
        history = fit(model)
        self.assertTrue(np.all(np.isfinite(history["loss"])))
        # A scaled loss, and no step left out for lack of finite gradients.
        self.assertIsInstance(
            model.optimizer, keras.optimizers.LossScaleOptimizer
        )
        self.assertAllEqual(model.optimizer.inner_optimizer.iterations, 6)
        # Half precision has 11 bits; the draws are the same.
        keras.config.set_dtype_policy("float32")
        plain = network(l2=0.01)
        fit(plain, run_eagerly=True)
        for variable, known in zip(
            model.trainable_variables, plain.trainable_variables, strict=True
        ):
            self.assertEqual(variable.dtype, "float32")
            self.assertAllClose(variable, known, atol=0.05)

    def test_evaluate_counts_the_penalty(self):
        expected = np.mean((self.model.predict(X, verbose=0) - Y) ** 2)
        for layer, size in zip(
            keras_l0.layers.gate_layers(self.model), (5, 1, 1, 1), strict=True
        ):
            p = gate_oracle.prob_nonzero(layer.gate_vector.logits.numpy())
            expected += 0.01 * size * p.sum()
        loss = self.model.evaluate(X, Y, verbose=0)
        self.assertAllClose(loss, expected, rtol=1e-5)


class PenaltyInFitTest(LayerTestCase):
    """Zero inputs: the data say nothing about the gates, the penalty does."""

    def run_fit(self, gate, **kwargs):
        model = keras.Sequential(
            [keras.Input((4,)), gate, layers.Dense(1, use_bias=False)]
        )
        model.compile(keras.optimizers.SGD(2.0), "mse", run_eagerly=True)
        history = model.fit(
            0 * X, 0 * Y, batch_size=10, epochs=1, verbose=0, **kwargs
        )
        return history.history["loss"][0]

    @parameterized.parameters(
        ("outputs", 5, (4 + 1)), ("inputs", 4, 5), ("weights", 20, 1)
    )
    def test_one_step_follows_the_closed_form(self, on, num_gates, size):
        gate = self.gate(layers.Dense(5), X, spread(num_gates), on=on, l0=0.1)
        p = gate_oracle.prob_nonzero(spread(num_gates))
        loss = self.run_fit(gate)
        self.assertAllClose(loss, 0.1 * size * p.sum(), rtol=1e-5)
        expected = spread(num_gates) - 2.0 * 0.1 * size * p * (1 - p)
        self.assertAllClose(gate.gate_vector.logits, expected, rtol=1e-5)

    def test_without_penalty_nothing_drifts(self):
        gate = self.gate(layers.Dense(5), X, spread(5), l0=0.0)
        self.assertEqual(self.run_fit(gate), 0)
        self.assertAllEqual(gate.gate_vector.logits, spread(5))

    def test_steep_penalty_closes_everything(self):
        gate = keras_l0.L0Gate(layers.Dense(5), l0=100.0)
        self.run_fit(gate)
        # Clamped, so that P(z != 0) is the least that it can be.
        self.assertAllEqual(gate(X), np.zeros((10, 5)))
        self.assertAllClose(
            gate.gate_vector.prob_nonzero(), 0.047129794 * np.ones(5)
        )

    def test_frozen_vector_is_left_alone(self):
        gate = self.gate(layers.Dense(5), X, spread(5), l0=0.1)
        gate.gate_vector.trainable = False
        before = self.seed_state(gate)
        self.assertEqual(self.run_fit(gate), 0)
        self.assertAllEqual(gate.gate_vector.logits, spread(5))
        self.assertAllEqual(self.seed_state(gate), before)


class CallbackTest(LayerTestCase):
    def test_callback_sets_l0_without_a_new_trace(self):
        gates = []

        class Schedule(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                gates[0].l0.assign([0.0, 1.0, 10.0][epoch])

        for run_jit in (False, True):
            counter = CountTraces()
            gate = keras_l0.L0Gate(layers.Dense(5), l0=0.5)
            model = keras.Sequential(
                [keras.Input((4,)), gate, counter, layers.Dense(1)]
            )
            gates[:] = [gate]
            traces = []
            model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=run_jit)
            history = model.fit(
                0 * X,
                0 * Y,
                batch_size=5,
                epochs=3,
                verbose=0,
                callbacks=[
                    Schedule(),
                    keras.callbacks.LambdaCallback(
                        on_epoch_end=lambda epoch, logs, c=counter, t=traces: (
                            t.append(c.count)
                        )
                    ),
                ],
            )
            total = (
                5
                * gate_oracle.prob_nonzero(
                    gate.gate_vector.logits.numpy()
                ).sum()
            )
            self.assertAllClose(
                history.history["loss"], [0, total, 10 * total], rtol=1e-5
            )
            self.assertEqual(traces[0], traces[2])


class WaysToBuildTest(LayerTestCase):
    def test_deferred_sequential_trains_an_embedding(self):
        model = keras.Sequential(
            [
                keras_l0.L0Gate(
                    layers.Embedding(7, 6, mask_zero=True), l0=0.01
                ),
                keras_l0.L0Gate(layers.Conv1D(5, 2), l0=0.01),
                layers.GlobalAveragePooling1D(),
                layers.Dense(1),
            ]
        )
        model.compile(keras.optimizers.SGD(0.5), "mse", run_eagerly=True)
        ids = np.resize(np.arange(7), (10, 5))
        model.fit(ids, Y, batch_size=5, epochs=1, verbose=0)
        for gate in model.layers[:2]:
            self.assertEqual(self.seed_state(gate)[1], 2)

    def test_tensorflow_dataset_of_unknown_batch_size(self):
        data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
        model = network()
        model.compile("sgd", "mse", jit_compile=False)
        history = model.fit(data, epochs=1, verbose=0)
        self.assertTrue(np.isfinite(history.history["loss"][0]))


if __name__ == "__main__":
    absltest.main()
