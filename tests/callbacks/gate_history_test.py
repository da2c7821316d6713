"""Tests of the counts of open gates."""

import contextlib
import io

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from tests import test_util

ROWS = 8


def gated_model():
    """Two gate vectors, of 4 and 6 gates; all of them open at first."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras_l0.L0Gate(keras.layers.Dense(4), name="first"),
            keras_l0.L0Gate(keras.layers.Dense(6), name="second"),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    return model


def fit(model, callbacks, **kwargs):
    kwargs = {"verbose": 0, **kwargs}
    x, y = np.ones((ROWS, 3)), np.ones((ROWS, 1))
    return model.fit(x, y, batch_size=4, callbacks=callbacks, **kwargs)


class CloseGates(keras.callbacks.Callback):
    """Closes one more gate of each vector at the end of each epoch."""

    def on_epoch_end(self, epoch, logs=None):
        for name in ("first", "second"):
            logits = self.model.get_layer(name).gate_vector.logits
            value = np.full(logits.shape, 3.0)
            value[: epoch + 1] = -3.0
            logits.assign(value)


class Logs(keras.callbacks.Callback):
    """Keeps what callbacks are told."""

    def __init__(self):
        super().__init__()
        self.batches, self.epochs = [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(logs.get("open_gates"))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs.get("open_gates"))


class GateHistoryTest(test_util.TestCase):
    def test_counts_are_those_of_the_gates(self):
        history = keras_l0.callbacks.GateHistory()
        fit(gated_model(), [CloseGates(), history], epochs=3)
        self.assertEqual(
            history.history, {"first": [3, 2, 1], "second": [5, 4, 3]}
        )
        self.assertEqual(history.num_gates, {"first": 4, "second": 6})

    def test_fraction_is_in_the_history_of_fit(self):
        callbacks = [CloseGates(), keras_l0.callbacks.GateHistory()]
        fitted = fit(gated_model(), callbacks, epochs=3)
        self.assertAllClose(fitted.history["open_gates"], [0.8, 0.6, 0.4])

    def test_later_callbacks_see_it_in_each_step(self):
        logs = Logs()
        callbacks = [CloseGates(), keras_l0.callbacks.GateHistory(), logs]
        fit(gated_model(), callbacks, epochs=2)
        self.assertAllClose(logs.epochs, [0.8, 0.6])
        # The fraction at the start of the epoch.
        self.assertAllClose(logs.batches, [1.0, 1.0, 0.8, 0.8])

    def test_progress_bar_shows_it(self):
        for verbose in (1, 2):
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                fit(
                    gated_model(),
                    [CloseGates(), keras_l0.callbacks.GateHistory()],
                    verbose=verbose,
                )
            self.assertIn("open_gates: 0.8", output.getvalue())

    def test_second_fit_goes_on(self):
        history = keras_l0.callbacks.GateHistory()
        model = gated_model()
        fit(model, [history], epochs=2)
        fit(model, [history])
        self.assertEqual(history.history, {"first": [4] * 3, "second": [6] * 3})

    def test_shared_gates_are_counted_once(self):
        vector = keras_l0.GateVector()
        x = keras.Input((3,))
        left = keras_l0.L0Gate(
            keras.layers.Dense(5), gate_vector=vector, name="left"
        )
        right = keras_l0.L0Gate(keras.layers.Dense(5), gate_vector=vector)
        model = keras.Model(x, keras.layers.Dense(1)(left(x) + right(x)))
        model.compile("sgd", "mse")
        history = keras_l0.callbacks.GateHistory()
        fit(model, [history])
        self.assertEqual(history.history, {"left": [5]})

    def test_training_is_not_changed(self):
        weights = []
        for callbacks in ([], [keras_l0.callbacks.GateHistory()]):
            keras.utils.set_random_seed(test_util.test_seed())
            model = gated_model()
            fit(model, callbacks, epochs=2)
            weights.append(model.get_weights())
        for one, other in zip(*weights, strict=True):
            self.assertAllEqual(one, other)

    def test_model_without_gates(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(
            ValueError, "`GateHistory` needs a model with gates"
        ):
            fit(model, [keras_l0.callbacks.GateHistory()])


class StateTest(test_util.TestCase):
    def test_counts_go_on(self):
        model = keras.Sequential(
            [
                keras.Input((2,)),
                keras_l0.L0Gate(keras.layers.Dense(3), name="hidden"),
            ]
        )
        first, second = (keras_l0.callbacks.GateHistory() for _ in range(2))
        for callback in (first, second):
            callback.set_model(model)
            callback.on_train_begin()
        first.on_epoch_end(0)
        logits = model.layers[0].gate_vector.logits
        logits.assign([-9.0, 9.0, 9.0])
        second.set_training_state(first.get_training_state())
        logs = {}
        second.on_train_batch_end(0, logs)
        self.assertAllClose(logs["open_gates"], 2 / 3)
        second.on_epoch_end(1)
        self.assertEqual(second.history, {"hidden": [3, 2]})
        self.assertEqual(second.num_gates, {"hidden": 3})


if __name__ == "__main__":
    absltest.main()
