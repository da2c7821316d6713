"""Tests a run on tiny data: its record, its files, going on after a kill."""

import dataclasses
import os
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from benchmarks import recipes
from benchmarks import records
from benchmarks import reproduce
from benchmarks import training
from examples import datasets
from tests import test_util
from tests.benchmarks import fake_mnist

_KEY = ("lenet_300_100", "separate", "ours")
_NAME = "lenet_300_100-separate-ours-seed0"


class _Killed(Exception):
    pass


class ReproduceTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        data = self.create_tempdir().full_path
        fake_mnist.write(data)
        self.enter_context(mock.patch.dict(os.environ, KERAS_L0_DATA=data))
        self.enter_context(
            mock.patch.dict(recipes.RECIPES, {_KEY: fake_mnist.TINY})
        )

    def _run(self, folder, **kwargs):
        state = os.path.join(folder, "state")
        return reproduce.run(*_KEY, 0, folder, state, **kwargs)

    def _kill_at(self, folder, phase, epoch):
        """Runs until the epoch is trained, but before it is backed up."""
        entry = training._History.on_epoch_end

        def on_epoch_end(history, number, logs=None):
            entry(history, number, logs)
            if (history.phase, number) == (phase, epoch):
                raise _Killed

        with (
            mock.patch.object(training._History, "on_epoch_end", on_epoch_end),
            self.assertRaises(_Killed),
        ):
            self._run(folder)

    def test_run_writes_a_record_and_is_not_repeated(self):
        folder = self.create_tempdir().full_path
        record = self._run(folder)
        self.assertEqual(os.listdir(folder + "/state"), [])
        self.assertIn(f"{_NAME}.json", os.listdir(folder))
        self.assertEqual(
            [(e["phase"], e["epoch"]) for e in record["history"]],
            [(0, 0), (0, 1), (1, 0), (1, 1)],
        )
        self.assertEqual(
            record["architecture"],
            "-".join(map(str, record["history"][-1]["units"])),
        )
        self.assertBetween(record["test_error"], 0, 100)
        self.assertEqual(record["train_examples"], 90)
        self.assertIn("keras", record["versions"])
        with mock.patch.object(training, "train", side_effect=_Killed):
            self.assertEqual(self._run(folder), record)

    @parameterized.parameters("hard_concrete", "arm", "dependent")
    def test_killed_run_goes_on_where_it_was(self, family):
        if family != "hard_concrete":
            tiny = dataclasses.replace(
                fake_mnist.TINY, family=family, l0=(1e-4,) * 3
            )
            self.enter_context(mock.patch.dict(recipes.RECIPES, {_KEY: tiny}))
        straight = self._run(self.create_tempdir().full_path)
        folder = self.create_tempdir().full_path
        self._kill_at(folder, 0, 1)
        self._kill_at(folder, 1, 1)
        trained = []
        original = training._History.on_epoch_begin

        def on_epoch_begin(history, epoch, logs=None):
            trained.append((history.phase, epoch))
            original(history, epoch, logs)

        with mock.patch.object(
            training._History, "on_epoch_begin", on_epoch_begin
        ):
            resumed = self._run(folder)
        self.assertEqual(trained, [(1, 1)])
        # The order of the examples, draws and optimizer all go on as if
        # nothing had happened.
        for key in ("architecture", "test_error", "expected_percent_left"):
            self.assertEqual(resumed[key], straight[key])
        self.assertEqual(
            [entry["loss"] for entry in resumed["history"]],
            [entry["loss"] for entry in straight["history"]],
        )

    def test_epochs_shorten_every_phase(self):
        recipe = recipes.RECIPES["lenet5", "separate", "ours"]
        epochs = [p.epochs for p in reproduce.shortened(recipe, 3).phases]
        self.assertEqual(epochs, [min(p.epochs, 3) for p in recipe.phases])
        self.assertEqual(reproduce.shortened(recipe, None), recipe)

    def test_small_network_starts_anew_from_the_units_kept(self):
        folder = self.create_tempdir().full_path
        masks = ["01" * 392, "0011" * 75, "10" * 50]
        records.write(os.path.join(folder, f"{_NAME}.json"), {"masks": masks})
        small = dataclasses.replace(
            fake_mnist.FROZEN, architecture_of="separate-ours"
        )
        key = ("lenet_300_100", "scratch", "ours")
        with mock.patch.dict(recipes.RECIPES, {key: small}):
            scratch = reproduce.run(
                *key, 0, folder, os.path.join(folder, "state")
            )
        self.assertEqual(scratch["architecture"], "392-150-50")
        self.assertEqual(scratch["masks"], [masks[0], "1" * 150, "1" * 50])

    def test_test_set_is_not_seen_before_the_end(self):
        dataset = datasets.load("mnist")
        seen = []
        original = training._error

        def error(model, x, y):
            seen.append("test" if x is dataset.x_test else "validation")
            return original(model, x, y)

        state = os.path.join(self.create_tempdir().full_path, "state")
        with mock.patch.object(training, "_error", error):
            training.train("lenet_300_100", fake_mnist.TINY, 0, dataset, state)
        self.assertEqual(seen, ["validation"] * 4 + ["test"])


if __name__ == "__main__":
    absltest.main()
