"""Tests of how the examples write files."""

import json
import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from examples import artifacts
from tests import test_util


class ArtifactsTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def test_prepare_makes_folders_and_leaves_them_empty(self):
        folder = os.path.join(self.folder, "a", "b")
        artifacts.prepare(folder)
        artifacts.prepare(folder)
        self.assertEqual(os.listdir(folder), [])

    def test_prepare_refuses_a_file(self):
        path = os.path.join(self.folder, "mine")
        with open(path, "w") as file:
            file.write("mine")
        with self.assertRaisesRegex(OSError, "mine"):
            artifacts.prepare(path)

    def test_failure_keeps_the_old_file_and_leaves_nothing_else(self):
        artifacts.save_json({"a": 1}, self.folder, "report.json")
        with self.assertRaisesRegex(RuntimeError, "stop"):
            with artifacts.whole(self.folder, "report.json") as path:
                with open(path, "w") as file:
                    file.write("half")
                raise RuntimeError("stop")
        self.assertEqual(os.listdir(self.folder), ["report.json"])
        with open(os.path.join(self.folder, "report.json")) as file:
            self.assertEqual(json.load(file), {"a": 1})

    def test_exports_compute_what_the_model_computes(self):
        model = keras.Sequential(
            [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
        )
        x = np.random.default_rng(test_util.test_seed()).random((20, 4), "f")
        artifacts.export(model, self.folder, x, x)
        self.assertEqual(
            artifacts.listing(self.folder),
            f"Written to {self.folder}: "
            "model.tflite, model_int8.tflite, saved_model",
        )
        loaded = tf.saved_model.load(os.path.join(self.folder, "saved_model"))
        expected = model(x)
        # A few units in the last place.
        self.assertAllClose(loaded.serve(x), expected, atol=1e-6)
        sizes = [
            os.path.getsize(os.path.join(self.folder, name))
            for name in ("model.tflite", "model_int8.tflite")
        ]
        self.assertNotEqual(*sizes)


if __name__ == "__main__":
    absltest.main()
