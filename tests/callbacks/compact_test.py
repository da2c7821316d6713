"""Tests of the callback that makes models smaller while they train."""

import os
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.callbacks.compact import Compact
from keras_l0.training import budget_phases
from tests import test_util
from tests.training import compact_case


def compiled(model, **kwargs):
    model.compile(
        kwargs.pop("optimizer", keras.optimizers.Adam(0.01)),
        "mse",
        gate_optimizer=keras.optimizers.SGD(0.01),
        run_eagerly=True,
        **kwargs,
    )
    return model


def widths(model):
    return [
        vector.num_gates
        for vector in keras_l0.layers.gate_vectors(model).values()
    ]


def transformer():
    """One layer of an encoder, without gates."""
    x = keras.Input((4, 6))
    h = keras.layers.Dense(16)(x)
    heads = keras.layers.MultiHeadAttention(4, 4, name="attention")
    h = keras.layers.LayerNormalization()(h + heads(h, h))
    hidden = keras.layers.Dense(32, "gelu")(h)
    h = keras.layers.LayerNormalization()(h + keras.layers.Dense(16)(hidden))
    h = keras.layers.GlobalAveragePooling1D()(h)
    return keras.Model(x, keras.layers.Dense(2)(h))


class CompactTest(test_util.TestCase):
    def fit(self, callbacks, model=None, epochs=4, **kwargs):
        model = model or compiled(compact_case.fresh())
        losses = compact_case.Losses()
        history = compact_case.fit(
            model, epochs, [losses, *callbacks], **kwargs
        ).history
        return model, losses.values, history

    def test_losses_go_on(self):
        data = compact_case.data(compact_case.fresh())
        _, expected, dense = self.fit([], validation_data=data)
        compact = Compact(patience=1)
        model, losses, history = self.fit([compact], validation_data=data)
        # Rounding, of at most 12 steps.
        self.assertAllClose(losses, expected, rtol=1e-6, atol=1e-6)
        self.assertAllClose(history["val_loss"], dense["val_loss"], rtol=1e-5)
        self.assertEqual(widths(model), [4, 3])
        self.assertAllClose(history["open_gates"], dense["open_gates"])
        self.assertAllClose(history["macs"], dense["macs"], rtol=1e-5)
        left = (5 * 4 + 4 * 3 + 3 * 2) / (5 * 8 + 8 * 6 + 6 * 2)
        self.assertAllClose(history["trained_macs"], [left] * 4)

    @parameterized.parameters(
        ({}, [(1, 8)]),
        ({"patience": 1}, [(0, 4)]),
        ({"patience": 3}, [(2, 12)]),
        ({"patience": 4}, []),
        ({"every": 3}, [(1, 6)]),
        ({"every": 5, "patience": 1}, [(1, 5)]),
        ({"min_gain": 0.7}, []),
        ({"patience": 1, "round_to": 4}, [(0, 4)]),
    )
    def test_time_of_the_cut(self, arguments, expected):
        compact = Compact(**arguments)
        model, _, _ = self.fit([compact])
        found = [(entry["epoch"], entry["step"]) for entry in compact.cuts]
        self.assertEqual(found, expected)
        if "round_to" in arguments:
            self.assertEqual(widths(model), [4, 4])

    @parameterized.parameters("epoch", 8)
    def test_steps_of_an_execution_that_is_cut_short(self, every):
        # Of 4 steps an epoch: three, and one more.
        model = compiled(compact_case.fresh(), steps_per_execution=3)
        compact = Compact(every, patience=2 if every == "epoch" else 1)
        self.fit([compact], model)
        found = [(entry["epoch"], entry["step"]) for entry in compact.cuts]
        self.assertEqual(found, [(1, 8)])

    def test_gates_that_a_budget_freezes_go_at_once(self):
        budget = keras_l0.Budget(macs=0.3, start=0.0, fine_tune=0.5)
        model = compact_case.fresh()
        model.set_budget(budget)
        dense = keras_l0.cost.count(model)
        compact = Compact(patience=100)
        chooses = mock.patch.object(
            budget_phases, "fulfil", wraps=budget_phases.fulfil
        )
        with chooses as chosen:
            self.fit([compact], compiled(model))
        chosen.assert_called_once()  # gates that are gone are not missed
        (entry,) = compact.cuts
        self.assertEqual((entry["epoch"], entry["step"]), (2, 8))
        self.assertLessEqual(entry["macs"], 0.3)
        left = keras_l0.cost.count(keras_l0.strip_gates(model)).macs
        self.assertAllClose(left / dense.macs, entry["macs"])

    def test_limits_of_a_budget_hold(self):
        budget = keras_l0.Budget(
            macs=0.9, min_units=2, round_to=2, start=0.5, fine_tune=0.0
        )
        model = compact_case.fresh()
        model.set_budget(budget)
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(np.full(vector.num_gates, -3.0))
        compact = Compact(patience=1, round_to=3)
        self.fit([compact], compiled(model), epochs=2)
        self.assertEqual(widths(model), [6, 6])

    def test_second_fit_goes_on(self):
        compact = Compact(patience=1)
        model, _, _ = self.fit([compact], epochs=2)
        vector = model.get_layer("first").gate_vector
        vector.logits.assign([-3.0, -3.0, 1.0, 1.0])
        self.fit([compact], model, epochs=2)
        self.assertEqual(widths(model), [2, 3])
        self.assertLen(compact.cuts, 2)

    def test_checks_before_a_cut_count(self):
        class CloseOne(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logits = self.model.get_layer("first").gate_vector.logits
                if epoch == 0:
                    logits.assign(
                        np.where(logits == np.max(logits), -3, logits)
                    )

        compact = Compact(min_gain=0.0)
        # Checked once without, twice with the gate that closes later.
        model, _, _ = self.fit([compact, CloseOne()])
        self.assertEqual([entry["epoch"] for entry in compact.cuts], [1, 2])
        self.assertEqual(widths(model), [3, 3])

    def test_front_of_a_second_fit_is_the_same(self):
        folder = os.path.join(self.create_tempdir(), "front")
        model, data = None, compact_case.data(compact_case.fresh())
        for _ in range(2):
            front = keras_l0.callbacks.ParetoCheckpoint(folder)
            callbacks = [Compact(patience=1), front]
            model, _, _ = self.fit(
                callbacks, model, epochs=2, validation_data=data
            )
        self.assertEqual(widths(model), [4, 3])
        self.assertEqual(front.front.macs, model.dense_cost.macs)

    def test_no_more_cuts_than_wanted(self):
        class CloseOne(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logits = self.model.get_layer("first").gate_vector.logits
                logits.assign(np.where(logits == np.max(logits), -3, logits))

        compact = Compact(min_gain=0.0, patience=1, max_cuts=2)
        self.fit([compact, CloseOne()])
        self.assertEqual([entry["epoch"] for entry in compact.cuts], [0, 1])

    @parameterized.parameters(
        keras_l0.gates.HardConcrete(clamp=None),
        "arm",
        "straight_through",
        keras_l0.gates.DependentHardConcrete(start="open"),
    )
    def test_families(self, gate):
        model = compiled(compact_case.fresh("mlp", gate))
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.logits.assign(vector.logits * 3)
        compact = Compact(patience=1)
        _, losses, _ = self.fit([compact], model, epochs=2)
        self.assertEqual(widths(model), [4, 3])
        self.assertTrue(np.isfinite(losses).all())

    def test_transformer(self):
        dense = transformer()
        budget = keras_l0.Budget(macs=0.4, start=0.0, fine_tune=0.5)
        model = keras_l0.add_gates(dense, budget=budget)
        model.compile("adam", "mse", jit_compile=False)
        compact = Compact()
        self.fit([compact], model, epochs=4)
        self.assertLess(compact.cuts[-1]["macs"], 0.4)
        x, _ = compact_case.data(model)
        small = keras_l0.strip_gates(model)
        self.assertAllClose(small(x), model(x), rtol=1e-5, atol=1e-5)
        # Nothing was left to remove.
        self.assertEqual(
            small.count_params(), keras_l0.cost.count(model).params
        )
        opened = [
            vector.num_gates
            for name, vector in keras_l0.layers.gate_vectors(model).items()
            if "attention" in name
        ]
        self.assertLess(sum(opened), 4)

    @parameterized.parameters(
        keras.optimizers.Adam,
        lambda rate: keras.optimizers.SGD(rate, momentum=0.9, use_ema=True),
    )
    def test_plain_model(self, optimizer):
        found = []
        for callbacks in ([], [Compact(patience=1)]):
            gated = compact_case.fresh()
            model = keras.Model(gated.inputs, gated.outputs)
            model.compile(optimizer(0.01), "mse", jit_compile=False)
            found.append(self.fit(callbacks, model))
        (_, expected, _), (model, losses, history) = found
        # Rounding, of at most 12 steps.
        self.assertAllClose(losses, expected, rtol=1e-6, atol=1e-6)
        self.assertEqual(widths(model), [4, 3])
        left = (5 * 4 + 4 * 3 + 3 * 2) / (5 * 8 + 8 * 6 + 6 * 2)
        self.assertAllClose(history["trained_macs"], [left] * 4)
        path = self.create_tempfile("model.keras").full_path
        model.save(path)
        x, _ = compact_case.data(model)
        loaded = keras.models.load_model(path)
        self.assertAllEqual(loaded(x), model(x))


class BadInputTest(test_util.TestCase):
    @parameterized.parameters(
        ({"every": "batch"}, ValueError, 'must be "epoch" or a number'),
        ({"every": 0}, ValueError, "`every` must be at least 1"),
        ({"every": 1.5}, TypeError, "`every` must be an integer"),
        ({"patience": 0}, ValueError, "`patience` must be at least 1"),
        ({"threshold": 0.0}, ValueError, r"`threshold` must be in \(0, 1\]"),
        ({"threshold": "a"}, TypeError, "`threshold` must be a number"),
        ({"min_gain": 1.0}, ValueError, r"`min_gain` must be in \[0, 1\)"),
        ({"round_to": 0}, ValueError, "`round_to` must be at least 1"),
        ({"max_cuts": 0}, ValueError, "`max_cuts` must be at least 1"),
    )
    def test_arguments(self, arguments, error, message):
        with self.assertRaisesRegex(error, message):
            Compact(**arguments)

    def assert_refused(self, model, error, message, **kwargs):
        compiled(model, **kwargs) if isinstance(
            model, keras_l0.L0Model
        ) else model.compile("adam", "mse")
        weights = [weight.numpy() for weight in model.weights]
        with self.assertRaisesRegex(error, message):
            compact_case.fit(model, 1, [Compact()])
        for weight, before in zip(model.weights, weights, strict=True):
            self.assertAllEqual(weight, before)

    def test_sequential_model(self):
        gated = compact_case.gated(keras.layers.Dense(2), "first")
        model = keras.Sequential([keras.Input((5,)), gated])
        self.assert_refused(model, TypeError, "makes one of a Sequential")

    def test_model_without_gates(self):
        x = keras.Input((5,))
        model = keras_l0.L0Model(x, keras.layers.Dense(2)(x))
        self.assert_refused(model, ValueError, "gates")

    def test_subclassed_model(self):
        class Subclassed(keras_l0.L0Model):
            def __init__(self):
                super().__init__()
                self.gated = compact_case.gated(keras.layers.Dense(2), "first")

            def call(self, x):
                return self.gated(x)

        model = Subclassed()
        model(np.ones((1, 5)))
        model.compile("adam", "mse", run_eagerly=True)
        x, y = np.ones((8, 5)), np.ones((8, 2))
        with self.assertRaisesRegex(ValueError, "is a subclassed model"):
            model.fit(x, y, verbose=0, callbacks=[Compact()])

    def test_gates_that_cannot_be_kept(self):
        model = compact_case.mlp(on="weights")
        message = "cannot cut model.*not of weights.*L0Gate 'first'"
        self.assert_refused(model, ValueError, message)

    def test_optimizer_with_other_arrays(self):
        self.assert_refused(
            compact_case.fresh(),
            ValueError,
            "Adafactor keeps arrays .* of other shapes",
            optimizer=keras.optimizers.Adafactor(),
        )


if __name__ == "__main__":
    absltest.main()
