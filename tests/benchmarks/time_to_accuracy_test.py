"""Tests the clock, the arithmetic and all rows on a small network."""

import dataclasses
import json
import os
import time
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import flagsaver

import keras_l0
from benchmarks import accuracy_rows
from benchmarks import stopwatch
from benchmarks import time_to_accuracy
from examples.datasets import Dataset
from tests import test_util

_SETTING = accuracy_rows.Setting(
    epochs=4,
    budget={"macs": 0.5, "start": 0.0, "fine_tune": 0.5},
    compact={"patience": 1, "min_gain": 0.1},
    wanted=0.5,
    margin=0.0,
    batch_size=10,
    dense_share=0.5,
)


def _network(shape):
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(10),
        ]
    )


def _dataset(size=200):
    rng = np.random.default_rng(0)
    x = rng.random((size, 4, 4, 1), "float32")
    y = rng.integers(0, 10, size)
    return Dataset(x, y, x[:20], y[:20], x[:30], y[:30], 10)


def _entry(seconds, error):
    return {
        "seconds": seconds,
        "cpu_seconds": 2 * seconds,
        "epochs_spent": seconds / 10,
        "test_error": error,
    }


class StopwatchTest(test_util.TestCase):
    def test_spent_without_cuts(self):
        self.assertEqual(stopwatch.spent(30, [], 10), 3.0)

    def test_spent_with_cuts_inside_of_epochs(self):
        cuts = [{"step": 5, "macs": 0.5}, {"step": 25, "macs": 0.1}]
        # 5 steps at 1, 20 at 0.5, 10 at 0.1.
        self.assertAlmostEqual(stopwatch.spent(35, cuts, 10), 1.6)
        self.assertAlmostEqual(stopwatch.spent(15, cuts, 10), 1.0)
        self.assertAlmostEqual(stopwatch.spent(5, cuts, 10), 0.5)

    def test_tests_are_off_the_clock(self):
        class Slow(stopwatch.Stopwatch):
            def _test(self, is_last):
                time.sleep(2.0)
                return 5.0

        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", steps_per_execution=3, jit_compile=False)
        start = {"seconds": 100.0, "cpu_seconds": 50.0, "steps": 7}
        watch = Slow(_dataset(), start=start)
        x = np.ones((4, 3), "float32")
        begin = time.perf_counter()
        model.fit(
            x, x[:, :1], batch_size=2, epochs=3, verbose=0, callbacks=[watch]
        )
        whole = time.perf_counter() - begin
        # Three epochs with a test each; the last is behind the last entry.
        last = watch.entries[-1]
        self.assertBetween(last["seconds"], 100.0, 100.0 + whole - 5.9)
        self.assertBetween(last["cpu_seconds"], 50.0, 50.0 + 4 * whole)
        self.assertEqual([e["steps"] for e in watch.entries], [9, 11, 13])

    def test_error_in_percent(self):
        model = keras.Sequential([keras.Input((10,)), keras.layers.Identity()])
        x = np.eye(10, dtype="float32")
        y = np.array([0, 1, 2, 3, 4, 5, 6, 0, 0, 0])
        watch = stopwatch.Stopwatch(
            dataclasses.replace(_dataset(), x_test=x, y_test=y),
            curve_examples=8,
        )
        watch.set_model(model)
        self.assertEqual(watch._test(is_last=True), 30.0)
        self.assertEqual(watch._test(is_last=False), 12.5)

    def test_statistics_are_taken_anew(self):
        model = keras.Sequential(
            [
                keras.Input((4, 4, 1)),
                keras_l0.L0Gate(keras.layers.BatchNormalization()),
                keras.layers.Flatten(),
            ]
        )
        # A number of batches of one size.
        data = _dataset(256)
        watch = stopwatch.Stopwatch(data)
        watch.set_model(model)
        watch._test(is_last=False)
        means = data.x_train.mean((0, 1, 2))
        self.assertAllClose(model.layers[0].layer.moving_mean, means)


class AccuracyRowsTest(test_util.TestCase):
    def _train(self, row):
        networks = {"small": (_network, "mnist")}
        with mock.patch.dict(accuracy_rows.NETWORKS, networks):
            return accuracy_rows.train("small", row, 0, _dataset(), _SETTING)

    def test_dense_spends_every_epoch(self):
        record = self._train("dense")
        spent = [entry["epochs_spent"] for entry in record["entries"]]
        self.assertEqual(spent, [1, 2, 3, 4])
        self.assertEqual((record["macs"], record["cuts"]), (1.0, []))

    def test_compact_spends_less_from_its_cut_on(self):
        record = self._train("compact")
        self.assertLessEqual(record["macs"], 0.5)
        self.assertNotEmpty(record["cuts"])
        cut = record["cuts"][-1]
        self.assertAlmostEqual(cut["macs"], record["macs"], places=3)
        *_, before, last = record["entries"]
        spent = last["epochs_spent"] - before["epochs_spent"]
        self.assertAlmostEqual(spent, cut["macs"], places=3)
        self.assertLess(last["epochs_spent"], 4)

    def test_gated_ends_as_small_without_cuts(self):
        record = self._train("gated")
        self.assertLessEqual(record["macs"], 0.5)
        self.assertEqual(record["entries"][-1]["epochs_spent"], 4)

    def test_magnitude_is_smaller_in_its_second_half(self):
        record = self._train("magnitude")
        self.assertBetween(record["macs"], 0.4, 0.5)
        self.assertLen(record["entries"], 4)
        spent = record["entries"][-1]["epochs_spent"]
        self.assertAlmostEqual(spent, 2 + 2 * record["macs"], places=3)
        seconds = [entry["seconds"] for entry in record["entries"]]
        self.assertEqual(seconds, sorted(seconds))


class TimeToAccuracyTest(test_util.TestCase):
    def test_first_entry_that_is_good_enough(self):
        entries = [_entry(1, 3.0), _entry(2, 1.0), _entry(3, 2.0)]
        self.assertEqual(time_to_accuracy.reached(entries, 2.0), entries[1])
        self.assertIsNone(time_to_accuracy.reached(entries, 0.5))

    def test_shares_are_of_the_whole_dense_run(self):
        dense = {"entries": [_entry(10, 0.5), _entry(20, 1.0)]}
        other = {"entries": [_entry(4, 1.2), _entry(5, 1.1), _entry(8, 0.9)]}
        found = time_to_accuracy.compare(dense, other, 0.1)
        self.assertAllClose(
            found,
            {
                "seconds": 0.25,
                "cpu_seconds": 0.25,
                "epochs_spent": 0.25,
                "all_cpu_seconds": 0.4,
                "last_epoch": 0.3,
            },
        )
        found = time_to_accuracy.compare(dense, other, -0.2)
        self.assertIsNone(found["cpu_seconds"])

    def test_every_seed_runs_every_row_once(self):
        found = time_to_accuracy.turns(range(5), ("a", "b", "c"))
        self.assertLen(set(found), 15)
        begins = [row for _, row in found[::3]]
        self.assertEqual(begins, ["a", "b", "c", "a", "b"])

    def test_main_keeps_what_is_done(self):
        folder = self.create_tempdir().full_path
        entry = {**_entry(1.0, 2.0), "steps": 3}
        train = mock.Mock(
            return_value={"entries": [entry], "macs": 0.5, "cuts": []}
        )
        with (
            flagsaver.flagsaver(
                tta_network=["lenet5"],
                tta_row=["dense", "compact"],
                tta_seeds=[3],
                tta_epochs=2,
                tta_examples=50,
                tta_folder=folder,
                threads=0,
            ),
            mock.patch.object(accuracy_rows, "train", train),
            mock.patch.object(
                time_to_accuracy.datasets, "load", lambda name: _dataset()
            ),
        ):
            time_to_accuracy.main([])
            time_to_accuracy.main([])
        self.assertEqual(train.call_count, 2)
        _, _, _, data, setting = train.call_args.args
        self.assertLen(data.x_train, 50)
        self.assertEqual(setting.epochs, 2)
        with open(os.path.join(folder, "lenet5-dense-seed3.json")) as file:
            self.assertIn("versions", json.load(file))


if __name__ == "__main__":
    absltest.main()
