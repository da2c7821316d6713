"""Tests of the phases of training for a budget."""

import math
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.training.budget_phases import BudgetPhases
from keras_l0.training.statistics_inputs import StatisticsInputs
from tests import test_util
from tests.budget import models
from tests.training import budget_case

recalibrate = keras_l0.training.recalibrate_batch_statistics


class ScheduleTest(test_util.TestCase):
    def phases(self, model, epochs, steps=4):
        phases = BudgetPhases(model.budget_control, StatisticsInputs(None))
        phases.set_params({"epochs": epochs, "steps": steps})
        phases.set_model(model)
        phases.on_train_begin()
        return phases

    @parameterized.parameters(
        # Epochs, share of the last phase, first epoch with frozen gates.
        (10, 0.3, 7),
        (5, 0.3, 4),
        (2, 0.05, 1),
        (2, 0.85, 1),
        (1, 0.3, 1),
        (3, 0.0, 3),
    )
    def test_gates_freeze(self, epochs, fine_tune, expected):
        model = budget_case.bound(macs=0.5, fine_tune=fine_tune)
        phases = self.phases(model, epochs)
        frozen = epochs
        for epoch in reversed(range(epochs)):
            phases.on_epoch_begin(epoch)
            frozen = frozen if model.is_bound else epoch
            model.freeze_gates(False)
        self.assertEqual(frozen, expected)
        phases.on_epoch_begin(min(expected, epochs) - 1)
        self.assertTrue(model.is_bound)
        phases.on_train_end()
        self.assertFalse(model.is_bound)
        self.assertTrue(budget_case.within(model))

    def test_pace(self):
        model = budget_case.bound(macs=0.5, start=0.1, fine_tune=0.3)
        self.phases(model, epochs=5, steps=4)
        self.assertAllClose(model.budget_control.progress_per_step, 1 / 20)
        # From where they are to where gates are 0, four times in 12 steps.
        vectors = keras_l0.layers.gate_vectors(model).values()
        medians = [np.median(vector.logits) for vector in vectors]
        way = np.median(medians) + math.log(11)
        rate = model.optimizer.gate_optimizer.learning_rate
        self.assertAllClose(rate, 4 * way / 12, rtol=1e-3)

    def test_long_training_keeps_the_default_rate(self):
        model = budget_case.bound(macs=0.5)
        self.phases(model, epochs=1000, steps=1000)
        rate = model.optimizer.gate_optimizer.learning_rate
        self.assertAllClose(rate, 0.01)

    def test_rate_that_was_chosen_stays(self):
        chosen = keras.optimizers.SGD(0.125)
        model = budget_case.bound(compiled={"gate_optimizer": chosen})
        self.phases(model, epochs=5)
        self.assertAllClose(chosen.learning_rate, 0.125)

    def test_unknown_number_of_steps(self):
        model = budget_case.bound()
        phases = self.phases(model, epochs=4, steps=None)
        self.assertEqual(float(model.budget_control.progress_per_step), 0)
        phases.on_train_batch_end(0)
        phases.on_train_batch_end(1)
        phases.on_epoch_end(0)
        self.assertAllClose(model.budget_control.progress, 0.25)
        self.assertAllClose(model.budget_control.progress_per_step, 1 / 8)
        model.budget_control.progress.assign(0.625)
        phases.on_epoch_end(1)
        self.assertAllClose(model.budget_control.progress, 0.5)

    def test_state_goes_on(self):
        model, other = (budget_case.bound() for _ in range(2))
        first = self.phases(model, epochs=4, steps=None)
        second = self.phases(other, epochs=4, steps=None)
        first.on_train_batch_end(1)
        first.on_epoch_end(0)
        second.set_training_state(first.get_training_state())
        # The pace is a weight of the model; it is set once.
        second.on_train_batch_end(0)
        second.on_epoch_end(1)
        control = other.budget_control
        self.assertEqual(float(control.progress_per_step), 0)
        first.on_epoch_begin(3)
        second.set_training_state(first.get_training_state())
        # The gates are frozen as they are, and not chosen once more.
        self.assertFalse(other.is_bound)
        self.assertFalse(budget_case.within(other))


class FitTest(test_util.TestCase):
    @parameterized.parameters(
        (models.mlp, {"macs": 0.5}),
        (models.mlp, {"params": 30, "round_to": 2}),
        (models.convolutional, {"macs": 0.5, "params": 0.6}),
    )
    def test_stripped_network_fills_its_budget(self, make, options):
        model = budget_case.bound(make, **options)
        history = budget_case.fit(model, epochs=3)
        self.assertTrue(budget_case.within(model))
        self.assertEmpty(budget_case.room(model))
        # What is frozen is not expected: it is.
        dense = model.budget_control.cost_model.dense
        share = models.stripped_cost(model).macs / dense.macs
        self.assertAllClose(history["macs"][-1], share)
        self.assertNotAllClose(history["macs"][0], share)

    def test_gates_are_frozen_in_the_last_phase(self):
        model = budget_case.bound(macs=0.5, fine_tune=0.5)
        record = budget_case.Record()
        kernel = model.layers[-1].kernel
        before = []
        watch = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_, **__: before.append(kernel.numpy())
        )
        budget_case.fit(model, epochs=4, callbacks=[record, watch])
        self.assertNotAllEqual(record.logits[0], record.logits[1])
        self.assertAllEqual(record.logits[2], record.logits[3])
        self.assertNotAllEqual(before[2], before[3])
        final = [v.logits for v in model.budget_control.cost_model.vectors]
        self.assertAllEqual(np.concatenate(final), record.logits[3])

    @parameterized.parameters(0.0, 0.3)
    def test_statistics_are_those_of_the_final_network(self, fine_tune):
        model = budget_case.bound(
            models.convolutional, macs=0.5, fine_tune=fine_tune
        )
        budget_case.fit(model, epochs=2)
        statistics = [v for v in model.variables if "moving" in v.name]
        found = [v.numpy() for v in statistics]
        recalibrate(model, budget_case.data(model)[0])
        for value, variable in zip(found, statistics, strict=True):
            self.assertAllClose(value, variable)
        self.assertTrue(budget_case.within(model))

    @parameterized.parameters((0.5, [10, 100]), (0.0, [100]))
    def test_statistics_are_taken_in_full_once(self, fine_tune, expected):
        model = budget_case.bound(
            models.convolutional, macs=0.5, fine_tune=fine_tune
        )
        with mock.patch.object(StatisticsInputs, "recalibrate") as taken:
            budget_case.fit(model, epochs=4)
        batches = [call.args[1] for call in taken.call_args_list]
        self.assertEqual(batches, expected)

    def test_statistics_are_left_alone_if_asked_to(self):
        model = budget_case.bound(
            models.convolutional, macs=0.5, recalibrate=False
        )
        budget_case.fit(model, epochs=2)
        statistics = [v for v in model.variables if "moving" in v.name]
        found = [v.numpy() for v in statistics]
        recalibrate(model, budget_case.data(model)[0])
        self.assertNotAllClose(found[0], statistics[0])

    def test_one_epoch(self):
        model = budget_case.bound()
        budget_case.fit(model, epochs=1)
        self.assertTrue(budget_case.within(model))
        self.assertFalse(model.is_bound)

    def test_last_validation_is_of_the_final_network(self):
        model = budget_case.bound(models.convolutional)
        x, y = budget_case.data(model, 24)
        history = budget_case.fit(model, epochs=3, validation_data=(x, y))
        result = model.evaluate(x, y, verbose=0, return_dict=True)
        self.assertAllClose(history["val_loss"][-1], result["loss"])

    def test_generator(self):
        model = budget_case.bound(models.convolutional)
        x, y = budget_case.data(model)

        def batches():
            while True:
                yield x[:16], y[:16]

        with self.assertLogs(logging.get_absl_logger(), "WARNING") as logs:
            model.fit(batches(), steps_per_epoch=4, epochs=3, verbose=0)
        self.assertRegex(logs.output[0], "read as it comes")
        self.assertTrue(budget_case.within(model))

    def test_dataset_of_unknown_length(self):
        model = budget_case.bound()
        data = tf.data.Dataset.from_tensor_slices(budget_case.data(model))
        data = data.batch(16).filter(lambda x, y: True)
        model.fit(data, epochs=3, verbose=0)
        self.assertTrue(budget_case.within(model))
        self.assertAllClose(model.budget_control.progress, 1)
        self.assertAllClose(model.budget_control.progress_per_step, 1 / 12)

    def test_early_stop_is_in_the_budget(self):
        model = budget_case.bound()
        stop = keras.callbacks.EarlyStopping("loss", min_delta=99, patience=1)
        history = budget_case.fit(model, epochs=9, callbacks=[stop])
        self.assertLen(history["loss"], 2)
        self.assertTrue(budget_case.within(model))
        self.assertFalse(model.is_bound)

    def test_weights_of_an_earlier_phase_are_brought_into_the_budget(self):
        model = budget_case.bound()
        stop = keras.callbacks.EarlyStopping(
            "loss", min_delta=99, patience=9, restore_best_weights=True
        )
        budget_case.fit(model, epochs=4, callbacks=[stop])
        self.assertEqual(stop.best_epoch, 0)
        self.assertTrue(budget_case.within(model))
        self.assertEmpty(budget_case.room(model))


if __name__ == "__main__":
    absltest.main()
