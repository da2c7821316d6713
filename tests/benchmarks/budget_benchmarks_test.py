"""Tests of the benchmarks about budgets, on small networks and data."""

import os
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import flagsaver
from absl.testing import parameterized

import keras_l0
from benchmarks import budget_accuracy
from benchmarks import budget_networks
from benchmarks import budget_tables
from benchmarks import budgets
from benchmarks import classifiers
from benchmarks import cost_invariant
from benchmarks import records
from examples.datasets import Dataset
from tests import test_util

_SHAPES = {"mnist": (28, 28, 1), "cifar10": (32, 32, 3)}


def small(shape):
    """A network with batch normalization."""
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dense(12, activation="relu"),
            keras.layers.Dense(10),
        ]
    )


def dataset(name=None, size=400):
    """Ten classes, of which each has a bright pixel of its own."""
    rng = np.random.default_rng(0)
    y = np.arange(size) % 10
    x = 0.3 * rng.random((size, 4, 4, 1)).astype("float32")
    x.reshape(size, -1)[np.arange(size), y] += 1.0
    return Dataset(x, y, x[:50], y[:50], x[50:], y[50:], 10)


class BudgetBenchmarksTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        network = {"small": (small, "mnist")}
        for module in (budgets, budget_accuracy):
            for patch in (
                mock.patch.dict(module.NETWORKS, network),
                mock.patch.object(module.datasets, "load", dataset),
            ):
                self.enter_context(patch)
        self.enter_context(
            flagsaver.flagsaver(
                threads=0,
                budget_network=["lenet5"],
                budget_folder=self.folder,
                budget_dense_epochs=1,
                accuracy_folder=self.folder,
                accuracy_seed=[4],
                accuracy_dense_epochs=2,
            )
        )

    @parameterized.parameters(*budget_networks.NETWORKS)
    def test_networks_can_be_gated(self, name):
        build, data = budget_networks.NETWORKS[name]
        dense = build(_SHAPES[data])
        gated = keras_l0.add_gates(dense, streams=True)
        self.assertEqual(gated.output_shape, (None, 10))
        self.assertGreater(len(keras_l0.layers.gate_vectors(gated)), 1)

    def test_accuracy_is_the_share_of_right_answers(self):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
        x = np.eye(3, dtype="float32")[[0, 1, 2, 2]]
        self.assertEqual(
            classifiers.accuracy(model, x, np.array([0, 1, 2, 0])), 0.75
        )

    @parameterized.parameters(("macs", 0.5), ("params", 0.4))
    def test_budget(self, kind, limit):
        row = budgets.run("small", {kind: limit})
        self.assertLessEqual(row[kind], limit)
        self.assertGreater(row[kind], 0.8 * limit)
        self.assertEqual(sorted(row["gates"].values()), [12, 16])
        self.assertNotEqual(row["open"], row["gates"])

    def test_budgets_keep_what_is_done(self):
        run = mock.Mock(return_value=_row())
        with mock.patch.object(budgets, "run", run):
            budgets.main([])
            budgets.main([])
        self.assertEqual(run.call_count, len(budgets.BUDGETS))
        self.assertLen(os.listdir(self.folder), len(budgets.BUDGETS))
        self.assertIn(
            "versions", records.read(f"{self.folder}/lenet5-macs0.7.json")
        )

    def test_rows_of_one_budget(self):
        with flagsaver.flagsaver(
            accuracy_macs=0.5, accuracy_epochs=4, accuracy_examples=400
        ):
            rows = {
                name: budget_accuracy.run("small", name, 4)
                for name in budget_accuracy.ROWS
            }
        self.assertEqual(rows["dense"]["macs"], 1.0)
        for name in ("ours", "magnitude"):
            self.assertBetween(rows[name]["macs"], 0.4, 0.5)
        # From scratch is what ours became.
        for kind in ("macs", "params"):
            self.assertEqual(rows["scratch"][kind], rows["ours"][kind])
        self.assertEqual({row["epochs"] for row in rows.values()}, {6})
        # Chance is 0.1, with a standard deviation of 0.016.
        self.assertGreater(rows["dense"]["test_accuracy"], 0.2)

    def test_scratch_does_not_begin_with_the_weights_of_ours(self):
        trained = []

        def fit(model, *args, **kwargs):
            trained.append(model.get_weights()[0])
            kernel = model.trainable_variables[0]
            kernel.assign(keras.ops.full_like(kernel, 7.0))

        with (
            mock.patch.object(budget_accuracy, "fit", fit),
            mock.patch.object(
                keras_l0.training, "recalibrate_batch_statistics"
            ),
        ):
            small((4, 4, 1)).save(f"{self.folder}/small-ours-seed4.keras")
            budget_accuracy.run("small", "scratch", 4)
        saved = keras.models.load_model(f"{self.folder}/small-ours-seed4.keras")
        self.assertNotAllClose(trained[0], saved.get_weights()[0])

    def test_magnitude_closes_the_smallest_units(self):
        dense = small((4, 4, 1))
        first = dense.layers[1].kernel
        scale = np.r_[np.full(8, 10.0), np.full(8, 0.1)]
        first.assign(first * scale)
        x, y = dataset().x_train, dataset().y_train
        with flagsaver.flagsaver(accuracy_macs=0.4, accuracy_epochs=2):
            stripped = budget_accuracy._magnitude(dense, x, y)
        kernel = np.abs(stripped.trainable_variables[0])
        self.assertBetween(kernel.shape[1], 1, 8)
        # Adam moves a weight by about 1e-3 per step, of which there are 14.
        self.assertGreater(kernel.max(axis=0).min(), 1.0)

    def test_invariant_sees_a_wrong_cost(self):
        model = keras_l0.add_gates(small((4, 4, 1)))
        vector = next(iter(keras_l0.layers.gate_vectors(model).values()))
        vector.logits.assign(np.r_[np.full(9, -9.0), np.full(7, 9.0)])
        entry = cost_invariant.compare(model)
        self.assertTrue(entry["exact"] and entry["polynomial"])
        self.assertEqual(entry["macs"], [16 * 28 + 120, 7 * 28 + 120])
        wrong = keras_l0.expected_cost(model)
        with mock.patch.object(
            keras_l0, "expected_cost", lambda m: wrong._replace(macs=1.0)
        ):
            self.assertFalse(cost_invariant.compare(model)["exact"])

    def test_invariant_counts_random_networks(self):
        found = cost_invariant.random_networks(12)
        self.assertBetween(found["networks"], 5, 12)
        self.assertEqual(found["exact"], found["networks"])

    def test_tables(self):
        self.assertEndsWith(
            budget_tables.budgets([_row()]),
            "| small | macs 0.5 | 0.4900 | 0.6000 | -2.00 % | 90.0 % | 91.0 %"
            " | 2 of 8 (b) |",
        )
        rows = [
            {**_row(), "row": "ours", "test_accuracy": value}
            for value in (0.96, 0.98)
        ]
        self.assertEndsWith(
            budget_tables.accuracy(rows),
            "| small | ours | 0.490 | 0.600 | 97.00 ± 1.41 % | 2 |",
        )
        models = {
            "a": {"exact": True, "polynomial": False},
            "b": {"exact": True, "polynomial": True},
        }
        random = {"networks": 9, "refused": 2, "exact": 9, "polynomial": 7}
        table = budget_tables.invariant({"models": models, "random": random})
        self.assertIn("| keras.applications | 2 | 2 | 1 |", table)
        self.assertIn("(2 more are refused) | 9 | 9 | 7 |", table)


def _row():
    return {
        "network": "small",
        "budget": {"macs": 0.5},
        "macs": 0.49,
        "params": 0.6,
        "dense_accuracy": 0.9,
        "accuracy": 0.91,
        "seconds": 1.0,
        "open": {"a": 3, "b": 2},
        "gates": {"a": 4, "b": 8},
    }


if __name__ == "__main__":
    absltest.main()
