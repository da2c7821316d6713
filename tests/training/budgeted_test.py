"""Tests of models that have a budget."""

import os

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests import test_util
from tests.budget import models
from tests.training import budget_case

Budget = keras_l0.Budget


class Save(keras.callbacks.Callback):
    """Saves the model after its second epoch."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.save(self._path)


class SetBudgetTest(test_util.TestCase):
    def test_compile_gives_a_budget(self):
        model = models.gated(models.mlp)
        model.compile("adam", "mse")
        self.assertFalse(model.is_bound)
        self.assertIsNone(model.budget_control)
        budget = Budget(macs=0.5)
        model.compile("adam", "mse", budget=budget)
        self.assertTrue(model.is_bound)
        self.assertEqual(model.budget_control.budget, budget)

    def test_compile_leaves_the_budget_of_the_model(self):
        model = budget_case.bound(macs=0.5)
        model.compile("sgd", "mse")
        self.assertEqual(model.budget_control.budget, Budget(macs=0.5))
        model.compile("sgd", "mse", budget=Budget(params=0.5))
        self.assertEqual(model.budget_control.budget, Budget(params=0.5))
        # The first one's state is gone.
        states = [v.path for v in model.variables if "integrals" in v.path]
        self.assertLen(states, 1)

    @parameterized.parameters(0.5, "macs")
    def test_refuses_what_is_no_budget(self, wrong):
        model = models.gated(models.mlp)
        with self.assertRaisesRegex(TypeError, "must be a `keras_l0.Budget`"):
            model.set_budget(wrong)

    def test_refuses_models_without_a_graph(self):
        class Own(keras_l0.L0Model):
            def __init__(self):
                super().__init__()
                self.hidden = keras_l0.L0Gate(layers.Dense(2))

            def call(self, inputs):
                return self.hidden(inputs)

        with self.assertRaisesRegex(ValueError, "is a subclassed model"):
            Own().compile("sgd", "mse", budget=Budget(macs=0.5))

    def test_unreachable_is_refused_before_training(self):
        model = models.gated(models.mlp)
        error = keras_l0.budget.UnreachableBudgetError
        with self.assertRaisesRegex(error, "at least"):
            model.compile("sgd", "mse", budget=Budget(params=0.01))
        self.assertIsNone(model.budget_control)
        with self.assertRaisesRegex(ValueError, "more than the 49"):
            model.compile("sgd", "mse", budget=Budget(params=50))


class FitTest(test_util.TestCase):
    @parameterized.parameters({"jit_compile": True}, {"run_eagerly": True})
    def test_modes(self, **mode):
        model = budget_case.bound(compiled=mode)
        budget_case.fit(model, epochs=2)
        # Four steps of eight, until gates are frozen.
        self.assertAllClose(model.budget_control.progress, 0.5)
        self.assertGreater(float(model.budget_control.squares[0]), 0)
        self.assertTrue(budget_case.within(model))

    @parameterized.parameters("arm", "diff_prune", "straight_through")
    def test_families(self, gate):
        model = budget_case.bound(gate=gate)
        logits = model.budget_control.cost_model.vectors[0].logits
        before = logits.numpy()
        history = budget_case.fit(model, epochs=1)
        self.assertTrue(np.isfinite(history["loss"]).all())
        self.assertNotAllEqual(logits, before)
        self.assertTrue(budget_case.within(model))

    def test_mixed_precision(self):
        self.addCleanup(keras.config.set_dtype_policy, "float32")
        keras.config.set_dtype_policy("mixed_float16")
        model = budget_case.bound()
        budget_case.fit(model, epochs=2)
        self.assertTrue(budget_case.within(model))

    def test_constraint_closes_gates(self):
        model = budget_case.bound(macs=0.3, start=0.0, fine_tune=0.2)
        history = budget_case.fit(model, epochs=20)
        # The target is there after 16 * 0.8 epochs, the gates after 16.
        self.assertLess(history["macs"][15], 0.45)
        self.assertGreater(history["macs"][0], 0.9)

    def test_second_fit_goes_on_with_frozen_gates(self):
        model = budget_case.bound()
        budget_case.fit(model, epochs=2)
        record = budget_case.Record()
        before = [v.numpy() for v in model.trainable_variables]
        budget_case.fit(model, epochs=2, callbacks=[record])
        vectors = model.budget_control.cost_model.vectors
        self.assertAllEqual(*record.logits)
        self.assertFalse(any(v.trainable for v in vectors))
        for old, variable in zip(
            before, model.trainable_variables, strict=True
        ):
            self.assertNotAllEqual(old, variable)
        self.assertTrue(budget_case.within(model))

    def test_callbacks_may_be_a_callback_list(self):
        model = budget_case.bound()
        x, y = budget_case.data(model)
        record = budget_case.Record()
        callbacks = keras.callbacks.CallbackList(
            [record], add_history=True, model=model, epochs=2, steps=2
        )
        model.fit(x, y, epochs=2, callbacks=callbacks, verbose=0)
        self.assertLen(record.logits, 2)
        self.assertTrue(budget_case.within(model))


class SavingTest(test_util.TestCase):
    def test_training_goes_on_where_it_was(self):
        model = budget_case.bound(macs=0.3, params=0.4)
        path = os.path.join(self.create_tempdir(), "model.keras")
        budget_case.fit(model, epochs=4, callbacks=[Save(path)])
        loaded = keras.saving.load_model(path)
        control = loaded.budget_control
        self.assertEqual(control.budget, model.budget_control.budget)
        self.assertTrue(loaded.is_bound)
        self.assertAllClose(control.progress, 0.5)
        self.assertAllClose(control.progress_per_step, 1 / 16)
        self.assertGreater(float(control.squares[0]), 0)
        rate = model.optimizer.gate_optimizer.learning_rate
        self.assertAllClose(loaded.optimizer.gate_optimizer.learning_rate, rate)
        budget_case.fit(loaded, epochs=4, initial_epoch=2)
        self.assertTrue(budget_case.within(loaded))

    def test_multipliers_are_saved(self):
        model = budget_case.bound(macs=0.3, params=0.4)
        model.budget_control.integrals.assign([1.0, 2.0])
        model.budget_control.squares.assign([3.0, 4.0])
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        control = keras.saving.load_model(path).budget_control
        self.assertAllEqual(control.integrals, [1.0, 2.0])
        self.assertAllEqual(control.squares, [3.0, 4.0])

    def test_gates_stay_frozen(self):
        model = budget_case.bound()
        budget_case.fit(model, epochs=2)
        path = os.path.join(self.create_tempdir(), "model.keras")
        model.save(path)
        loaded = keras.saving.load_model(path)
        self.assertFalse(loaded.is_bound)
        x, _ = budget_case.data(model)
        self.assertAllEqual(loaded(x), model(x))
        self.assertEqual(budget_case.shares(loaded), budget_case.shares(model))

    def test_model_without_budget_says_nothing_of_it(self):
        self.assertNotIn("budget", models.gated(models.mlp).get_config())


if __name__ == "__main__":
    absltest.main()
