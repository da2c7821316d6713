"""Trains the rows on images of noise, and makes their table."""

import os
from unittest import mock

import numpy as np
from absl.testing import absltest
from absl.testing import flagsaver

import keras_l0
from benchmarks import cifar_pruning
from benchmarks import records
from benchmarks import tables
from benchmarks.budget_networks import residual
from examples.datasets import Dataset
from tests import test_util


def _dataset(name):
    assert name == "cifar10"
    rng = np.random.default_rng(0)
    x = rng.normal(size=(48, 8, 8, 3)).astype("float32")
    y = rng.integers(0, 10, 48)
    return Dataset(x, y, x[:8], y[:8], x[:16], y[:16], 10)


def _flags(folder, rows):
    return flagsaver.flagsaver(
        threads=0,
        cifar_folder=folder,
        cifar_seed=[4],
        cifar_row=rows,
        cifar_l0=0.1,
        cifar_examples=40,
        cifar_epochs=2,
        cifar_frozen_epochs=1,
    )


class CifarPruningTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        load = mock.patch.object(cifar_pruning.datasets, "load", _dataset)
        self.enter_context(load)

    def test_baselines_are_as_large_as_the_pruned_network(self):
        folder = self.create_tempdir().full_path
        rows = ["magnitude", "scratch"]
        with _flags(folder, rows):
            with self.assertRaisesRegex(ValueError, "hard_concrete first.*4"):
                cifar_pruning.main([])
            pruned = residual((8, 8, 3), width=4)
            pruned.save(os.path.join(folder, "hard_concrete-seed4.keras"))
            cifar_pruning.main([])
        full = keras_l0.cost.count(residual((8, 8, 3))).macs
        share = keras_l0.cost.count(pruned).macs / full
        magnitude, scratch = [
            records.read(os.path.join(folder, f"{row}-seed4.json"))["macs"]
            for row in rows
        ]
        self.assertAlmostEqual(scratch, share, places=4)
        self.assertBetween(magnitude, 0.8 * share, share + 5e-5)

    def test_rows_are_kept_and_skipped(self):
        folder = self.create_tempdir().full_path
        with _flags(folder, ["dense", "dependent"]):
            cifar_pruning.main([])
            names = sorted(os.listdir(folder))
            self.assertEqual(
                names, ["dense-seed4.json", "dependent-seed4.json"]
            )
            with mock.patch.object(cifar_pruning, "run") as run:
                cifar_pruning.main([])
            run.assert_not_called()
        dense, gated = [records.read(os.path.join(folder, n)) for n in names]
        self.assertEqual((dense["macs"], dense["l0"]), (1.0, None))
        self.assertEqual((gated["examples"], gated["l0"]), (40, 0.1))
        self.assertLessEqual(gated["macs"], 1.0)
        self.assertBetween(gated["test_error"], 0.0, 100.0)

    def test_table(self):
        run = {
            "row": "dependent",
            "l0": 0.001,
            "seed": 0,
            "epochs": 2,
            "params": 0.5,
            "macs": 0.25,
            "validation_error": 40.0,
            "test_error": 41.0,
        }
        table = tables.cifar([run, {**run, "seed": 1, "test_error": 43.0}])
        self.assertEqual(
            table.splitlines()[-1],
            "| dependent | 0.001 | 2 | 0.500 ± 0.000 | 0.250 ± 0.000 | "
            "40.0 ± 0.0 | 42.0 ± 1.4 | 0, 1 |",
        )


if __name__ == "__main__":
    absltest.main()
