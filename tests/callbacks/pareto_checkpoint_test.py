"""Tests of the models that one training run leaves."""

import os
import random
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import test_util

SCORE = "val_score"
OPEN, CLOSED = 4.0, -4.0


def gated_model(units=6, learning_rate=0.0):
    """With k open gates: 4 k multiplications and 5 k + 1 weights."""
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras_l0.L0Gate(
                keras.layers.Dense(units, activation="relu"), name="hidden"
            ),
            keras.layers.Dense(1, name="out"),
        ]
    )
    model.compile(keras.optimizers.SGD(learning_rate), "mse", metrics=["mae"])
    return model


class Script(keras.callbacks.Callback):
    """Opens so many gates, and gives the model such a score, each epoch."""

    def __init__(self, *epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        count, logs[SCORE] = self.epochs[epoch]
        set_open(self.model, count)


def set_open(model, count):
    vector = model.get_layer("hidden").gate_vector
    vector.logits.assign(np.where(np.arange(6) < count, OPEN, CLOSED))


def fit(model, *callbacks, **kwargs):
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(8, 3)), np.ones((8, 1))
    kwargs = {"verbose": 0, **kwargs}
    return model.fit(x, y, callbacks=[*callbacks], **kwargs)


class ParetoCheckpointTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = os.path.join(self.create_tempdir().full_path, "sizes")

    def callback(self, monitor=SCORE, mode="max", **kwargs):
        return keras_l0.callbacks.ParetoCheckpoint(
            self.folder, monitor, mode, **kwargs
        )

    def run_script(self, *epochs, **kwargs):
        callback = self.callback(**kwargs)
        fit(gated_model(), Script(*epochs), callback, epochs=len(epochs))
        return callback

    def models(self):
        return sorted(n for n in os.listdir(self.folder) if n != "pareto.json")

    def test_keeps_what_no_other_dominates(self):
        found = self.run_script(
            (6, 0.9), (4, 0.8), (5, 0.75), (3, 0.85), (2, 0.5)
        )
        self.assertEqual(
            [(p.epoch, p.value, p.macs, p.params) for p in found.points],
            [(5, 0.5, 8, 11), (4, 0.85, 12, 16), (1, 0.9, 24, 31)],
        )
        self.assertEqual(self.models(), sorted(p.file for p in found.points))
        self.assertEqual(found.front.full_cost, 24)

    def test_low_values_may_be_good(self):
        found = self.run_script((6, 0.9), (4, 0.8), (3, 0.85), mode="min")
        self.assertEqual([p.epoch for p in found.points], [3, 2])

    def test_metric_is_that_of_the_stripped_model(self):
        model = gated_model(learning_rate=0.3)
        x = np.random.default_rng(2).normal(size=(40, 3))
        y = x.sum(axis=1, keepdims=True) ** 2
        found = self.callback("val_mae", "auto", cost="params")
        close = Script((5, 0), (4, 0), (2, 0), (1, 0))
        # Gates move at the end of an epoch, after its validation: first in
        # the list, the script would make metric and model differ.
        callbacks = [found, close]
        data = {"validation_data": (x, y), "epochs": 4}
        model.fit(x, y, callbacks=callbacks, verbose=0, **data)
        self.assertGreaterEqual(len(found.points), 2)
        for point in found.points:
            small = keras.saving.load_model(found.path(point))
            mae = np.mean(np.abs(small.predict(x, verbose=0) - y))
            self.assertAllClose(mae, point.value, rtol=1e-5)
            self.assertEqual(small.count_params(), point.params)

    def test_models_need_no_keras_l0(self):
        found = self.run_script((3, 0.9))
        small = keras.saving.load_model(found.path(found.points[0]))
        self.assertFalse(keras_l0.layers.has_gates(small))
        self.assertEqual(small.layers[1].units, 3)

    def test_l0_model(self):
        model = keras_l0.L0Model.from_model(gated_model())
        model.compile("sgd", "mse")
        found = self.callback("val_data_loss", "auto")
        x, y = np.ones((8, 3)), np.ones((8, 1))
        fit(model, found, validation_data=(x, y))
        self.assertEqual([p.macs for p in found.points], [24])

    def test_every_so_many_epochs(self):
        found = self.run_script((6, 0.9), (4, 0.8), (3, 0.9), every=2)
        self.assertEqual([p.epoch for p in found.points], [2])

    def test_validation_freq(self):
        model, data = gated_model(), (np.ones((8, 3)), np.ones((8, 1)))
        found = self.callback("val_loss", "auto", every=2)
        fit(model, found, epochs=3, validation_data=data, validation_freq=2)
        self.assertEqual([p.epoch for p in found.points], [2])

    def test_options_of_stripping(self):
        found = self.run_script((5, 0.9), (1, 0.8), min_units=2, round_to=4)
        self.assertEqual([p.macs for p in found.points], [16, 24])

    def test_closed_network_is_passed_over(self):
        with self.assertLogs(level="WARNING") as logs:
            found = self.run_script((0, 0.9), (2, 0.8))
        self.assertEqual([p.epoch for p in found.points], [2])
        self.assertRegex(
            logs.output[0], "passes over epoch 1: All units of 'hidden'"
        )

    def test_nan_is_passed_over(self):
        with self.assertLogs(level="WARNING") as logs:
            found = self.run_script((6, float("nan")), (4, 0.8))
        self.assertEqual([p.epoch for p in found.points], [2])
        self.assertRegex(logs.output[0], "epoch 1: val_score is nan")

    def test_restart_goes_on_from_the_index(self):
        self.run_script((6, 0.9), (4, 0.8))
        epochs = [(6, 0), (6, 0), (4, 0.85), (3, 0.7)]
        found = self.callback()
        fit(gated_model(), Script(*epochs), found, epochs=4, initial_epoch=2)
        self.assertEqual([p.epoch for p in found.points], [4, 3, 1])
        self.assertLen(self.models(), 3)

    def test_restart_of_a_closed_network(self):
        model = gated_model()
        set_open(model, 0)
        found = self.callback()
        fit(model, Script((3, 0.9)), found)
        self.assertLen(found.points, 1)

    def test_backup_and_restore(self):
        class Crash(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2:
                    raise KeyboardInterrupt

        epochs = [(6, 0.9), (5, 0.8), (4, 0.7), (3, 0.75)]
        backup = os.path.join(self.create_tempdir().full_path, "backup")

        def callbacks():
            restore = keras.callbacks.BackupAndRestore(backup)
            return [restore, Script(*epochs), self.callback()]

        with self.assertRaises(KeyboardInterrupt):
            fit(gated_model(), *callbacks(), Crash(), epochs=4)
        after = callbacks()
        fit(gated_model(), *after, epochs=4)
        self.assertEqual([p.epoch for p in after[-1].points], [4, 2, 1])

    def test_training_is_not_changed(self):
        results = []
        for with_callback in (False, True):
            test_util.start_afresh()
            model = gated_model(learning_rate=0.1)
            script = Script((6, 0.9), (4, 0.8))
            found = [self.callback()] if with_callback else []
            fit(model, script, *found, epochs=2)
            results.append([*model.get_weights(), random.random()])
        for one, other in zip(*results, strict=True):
            self.assertAllEqual(one, other)

    def test_table_and_picture(self):
        found = self.run_script((6, 0.9), (3, 0.8))
        lines = found.table().split("\n")
        self.assertRegex(lines[1], r"^2 +0.8 +12 +50.0 % +16 +51.6 % +epoch_")
        path = os.path.join(self.folder, "pareto.png")
        found.plot(path)
        self.assertGreater(os.path.getsize(path), 5000)


class RecalibrateTest(test_util.TestCase):
    def test_statistics_are_those_of_the_data(self):
        rng = np.random.default_rng(1)
        x = (3 + 2 * rng.normal(size=(64, 4))).astype("float32")
        y = x[:, :1] ** 2
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.BatchNormalization(name="norm"),
                keras_l0.L0Gate(keras.layers.Dense(6, activation="relu")),
                keras.layers.Dense(1),
            ]
        )
        model.compile("sgd", "mse")
        found = keras_l0.callbacks.ParetoCheckpoint(
            self.create_tempdir().full_path, recalibrate=x
        )
        model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[found])
        norm = model.get_layer("norm")
        self.assertAllClose(norm.moving_mean, x.mean(axis=0), rtol=1e-5)
        (point,) = found.points
        small = keras.saving.load_model(found.path(point))
        mse = np.mean((small.predict(x, verbose=0) - y) ** 2)
        self.assertAllClose(mse, point.value, rtol=1e-5)

    def test_only_before_validations_that_count(self):
        model = gated_model()
        data = (np.ones((8, 3)), np.ones((8, 1)))
        found = keras_l0.callbacks.ParetoCheckpoint(
            self.create_tempdir().full_path, recalibrate=data[0], every=2
        )
        with mock.patch.object(
            keras_l0.callbacks.pareto_checkpoint,
            "recalibrate_batch_statistics",
        ) as recalibrate:
            fit(model, found, epochs=4, validation_data=data)
            self.assertEqual(recalibrate.call_count, 2)
            model.evaluate(*data, verbose=0, callbacks=[found])
            self.assertEqual(recalibrate.call_count, 2)


class BadInputTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def fit(self, *args, model=None, **kwargs):
        callback = keras_l0.callbacks.ParetoCheckpoint(self.folder, *args)
        fit(model or gated_model(), callback, **kwargs)

    def test_monitor_that_is_not_there(self):
        data = (np.ones((8, 3)), np.ones((8, 1)))
        with self.assertRaisesRegex(
            ValueError,
            "`monitor` is not in the logs of this epoch, which have "
            "'val_loss', 'val_mae'.*Received: monitor='val_acc'",
        ):
            self.fit("val_acc", validation_data=data)

    def test_no_validation(self):
        with self.assertRaisesRegex(
            ValueError, "training metrics only. Pass `validation_data`"
        ):
            self.fit("val_loss")

    @parameterized.parameters("loss", "mae")
    def test_training_metric(self, monitor):
        with self.assertRaisesRegex(
            ValueError,
            f"'{monitor}' is taken in training.*monitor='val_{monitor}'",
        ):
            self.fit(monitor)

    def test_model_without_gates(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(
            ValueError, "`ParetoCheckpoint` needs a model with gates"
        ):
            self.fit(model=model)

    def test_subclassed_model_is_refused_before_the_training(self):
        class Subclassed(keras.Model):
            def __init__(self):
                super().__init__()
                self.hidden = keras_l0.L0Gate(keras.layers.Dense(2))

            def call(self, x):
                return self.hidden(x)

        model = Subclassed()
        model.compile("sgd", "mse")
        with self.assertRaisesRegex(ValueError, "a subclassed one has no"):
            self.fit(model=model)

    @parameterized.named_parameters(
        ("folder", {"folder": 3}, TypeError, "`folder` must be a path"),
        ("monitor", {"monitor": 3}, TypeError, "`monitor` must be a string"),
        ("mode", {"mode": "best"}, ValueError, "Unknown `mode`"),
        ("cost", {"cost": "bytes"}, ValueError, "Unknown `cost`"),
        ("every", {"every": 0}, ValueError, "`every` must be at least 1"),
        ("min_units", {"min_units": -1}, ValueError, "`min_units` must"),
        ("round_to", {"round_to": 0}, ValueError, "`round_to` must"),
        ("auto", {"monitor": "val_foo"}, ValueError, "cannot tell whether"),
    )
    def test_bad_arguments(self, arguments, error, words):
        with self.assertRaisesRegex(error, words):
            keras_l0.callbacks.ParetoCheckpoint(
                **{"folder": self.folder, **arguments}
            )

    @parameterized.parameters(
        ("val_loss", "min"),
        ("val_mean_absolute_error", "min"),
        ("val_sparse_categorical_accuracy", "max"),
        ("val_AUC", "max"),
        ("val_logits_loss", "min"),
    )
    def test_auto_mode(self, monitor, mode):
        callback = keras_l0.callbacks.ParetoCheckpoint(self.folder, monitor)
        self.assertEqual(callback.mode, mode)

    def test_nothing_before_the_training(self):
        callback = keras_l0.callbacks.ParetoCheckpoint(self.folder)
        self.assertEqual(callback.points, [])
        with self.assertRaisesRegex(RuntimeError, "no models before `fit`"):
            callback.table()


if __name__ == "__main__":
    absltest.main()
