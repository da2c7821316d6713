"""Tests of the example that survives the death of a worker."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
from unittest import mock

import keras
from absl.testing import absltest

from examples import multi_worker
from tests import test_util
from tests.examples import example_run

ROOT = pathlib.Path(__file__).parents[2]
SLEEP = "import time; time.sleep(600)"


class MultiWorkerTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.settings = dataclasses.replace(
            multi_worker.DEFAULTS, output_dir=self.folder, dataset="mnist"
        )

    def test_training_goes_on_after_a_worker_has_died(self):
        example_run.write_dataset(self.folder)
        settings = dataclasses.replace(
            self.settings, epochs=2, batch_size=36, kill_after_epoch=1
        )
        path = os.pathsep.join([str(ROOT), *sys.path])
        environment = {"KERAS_L0_DATA": self.folder, "PYTHONPATH": path}
        with mock.patch.dict(os.environ, environment):
            try:
                restarts = multi_worker.launch(settings)
            except PermissionError as error:
                self.skipTest(f"No sockets here: {error}")
        self.assertEqual(restarts, 1)
        with open(os.path.join(self.folder, "report.json")) as file:
            report = json.load(file)
        # The first epoch was not trained again.
        self.assertEqual((report["first_epoch"], report["epochs"]), (2, 2))
        small = keras.saving.load_model(
            os.path.join(self.folder, "stripped.keras")
        )
        self.assertEqual(
            small.get_layer("first").units, report["units"]["first"]
        )
        self.assertNotIn("backup", os.listdir(self.folder))

    def _launch(self, programs):
        """Launches groups of programs, each on the list in turn."""
        groups, self.started = iter(programs), []

        def start(cluster, index, settings, stack):
            if index == 0:
                self.group = next(groups)
            program = self.group[index]
            self.started.append(
                subprocess.Popen([sys.executable, "-c", program])
            )
            self.kills.append(settings.kill_after_epoch)
            return self.started[-1]

        self.kills = []
        settings = dataclasses.replace(self.settings, kill_after_epoch=3)
        with mock.patch.object(multi_worker, "_start", start):
            return multi_worker.launch(settings)

    def test_the_others_are_ended_and_all_start_again(self):
        restarts = self._launch([(SLEEP, "exit(3)"), ("", "")])
        self.assertEqual(restarts, 1)
        self.assertLen(self.started, 4)
        self.assertNotEqual(self.started[0].returncode, 0)
        # A death that was asked for comes once.
        self.assertEqual(self.kills, [3, 3, 0, 0])

    def test_workers_that_always_die_are_given_up(self):
        with self.assertRaisesRegex(SystemExit, "died 4 times"):
            self._launch([("exit(1)", SLEEP)] * 4)
        self.assertTrue(all(p.poll() is not None for p in self.started))

    def test_workers_begin_with_the_backup_of_the_first(self):
        for name, text in (("worker_0", "new"), ("worker_1", "old")):
            os.makedirs(os.path.join(self.folder, name))
            with open(os.path.join(self.folder, name, "file"), "w") as file:
                file.write(text)
        for index in (0, 1):
            found = multi_worker.backup(self.folder, index).backup_dir
            with open(os.path.join(found, "file")) as file:
                self.assertEqual(file.read(), "new")
            self.assertEndsWith(found, f"worker_{index}")

    def test_a_backup_that_the_first_does_not_have_is_forgotten(self):
        os.makedirs(os.path.join(self.folder, "worker_1"))
        found = multi_worker.backup(self.folder, 1).backup_dir
        self.assertFalse(os.path.exists(found))


if __name__ == "__main__":
    absltest.main()
