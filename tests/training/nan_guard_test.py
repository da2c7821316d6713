"""Tests for the guard against a NaN loss."""

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from tests import test_util


@keras.saving.register_keras_serializable("nan_guard_test")
class Late(keras.optimizers.schedules.LearningRateSchedule):
    """A half, and NaN after two steps."""

    def __call__(self, step):
        return keras.ops.where(step > 2, float("nan"), 0.5)

    def get_config(self):
        return {}


class NanGuardTest(test_util.TestCase):
    def model(self, gate="straight_through"):
        inputs = keras.Input((3,))
        layer = keras_l0.L0Gate(keras.layers.Dense(2), gate, name="hidden")
        model = keras_l0.L0Model(inputs, layer(inputs))
        model.compile("sgd", "mse")
        return model, layer.gate_vector.logits

    def fit(self, model, x):
        return model.fit(x, np.ones((len(x), 2)), verbose=0, epochs=3)

    def test_nan_stops_and_names_the_closed_layer(self):
        model, logits = self.model()
        logits.assign([-1.0, -1.0])
        with self.assertRaisesRegex(
            FloatingPointError, "nan at batch 0. All gates of hidden are closed"
        ):
            self.fit(model, np.full((4, 3), np.nan))

    def test_open_gates_are_not_blamed(self):
        model, _ = self.model()
        model.trainable_variables[0].assign(np.full((3, 2), np.nan))
        with self.assertRaisesRegex(FloatingPointError, "No layer's gates"):
            self.fit(model, np.ones((4, 3)))

    def test_gates_that_are_nan_are_named(self):
        model, logits = self.model("hard_concrete")
        logits.assign([np.nan, 0.0])
        with self.assertRaisesRegex(FloatingPointError, "gates of hidden are"):
            self.fit(model, np.ones((4, 3)))

    def test_schedules_that_are_nan_are_named(self):
        gate = keras_l0.gates.HardConcrete(temperature=Late())
        model, _ = self.model(gate)
        with self.assertRaisesRegex(
            FloatingPointError, "schedule of `temperature` of 'hidden' is too"
        ):
            model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, epochs=9)
        inputs = keras.Input((3,))
        layer = keras_l0.L0Gate(keras.layers.Dense(2), l0=Late(), name="paid")
        model = keras_l0.L0Model(inputs, layer(inputs))
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(
            FloatingPointError, "schedule of `l0` of 'paid' is too"
        ):
            model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0, epochs=9)

    def test_nan_in_a_later_batch_is_seen_at_the_end_of_the_epoch(self):
        model, _ = self.model()
        x = np.ones((96, 3))
        x[-1] = np.nan
        with self.assertRaisesRegex(FloatingPointError, "the end of epoch 1"):
            model.fit(x, np.ones((96, 2)), verbose=0, shuffle=False)

    def test_other_callbacks_stay(self):
        model, _ = self.model()
        found = []
        seen = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_: found.append(1)
        )
        x, y = np.ones((4, 3)), np.ones((4, 2))
        model.fit(x, y, verbose=0, callbacks=seen)
        model.fit(x, y, verbose=0, callbacks=[seen])
        whole = keras.callbacks.CallbackList([seen], model=model, epochs=1)
        model.fit(x, y, verbose=0, callbacks=whole)
        self.assertLen(found, 3)


if __name__ == "__main__":
    absltest.main()
