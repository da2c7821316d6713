"""Tests of what the examples that compress a network have in common."""

import os
from unittest import mock

import keras
from absl.testing import absltest

import keras_l0
from examples import compression
from examples import settings as common
from tests import test_util
from tests.examples import small_images


class BeginTest(test_util.TestCase):
    """What can go wrong goes wrong before anything is trained."""

    def test_output_folder_that_is_a_file(self):
        path = os.path.join(self.create_tempdir().full_path, "out")
        with open(path, "w") as file:
            file.write("mine")
        with self.assertRaisesRegex(SystemExit, "Error: .*out"):
            compression.begin(common.Settings(output_dir=path))

    def test_dataset_that_is_damaged(self):
        folder = self.create_tempdir().full_path
        with open(os.path.join(folder, "mnist.npz"), "w") as file:
            file.write("no archive")
        self.enter_context(
            mock.patch.dict(os.environ, {"KERAS_L0_DATA": folder})
        )
        with self.assertRaisesRegex(SystemExit, "Error: .*mnist.npz' cannot"):
            compression.load_images("mnist")

    def test_the_seed_says_what_is_random(self):
        folder = self.create_tempdir().full_path
        drawn = []
        for seed in (3, 3, 4):
            compression.begin(common.Settings(output_dir=folder, seed=seed))
            drawn.append(keras.random.normal((4,)))
        self.assertAllEqual(drawn[0], drawn[1])
        self.assertNotAllClose(drawn[0], drawn[2])


class FitTest(test_util.TestCase):
    def test_rate_falls_to_zero_at_the_end(self):
        data = small_images.stripes(height=4)
        model = keras.Sequential(
            [keras.Input((4, 8, 1)), keras.layers.Flatten()]
        )
        model.add(keras.layers.Dense(4))
        settings = common.Settings(batch_size=50, learning_rate=0.5)
        compression.fit(model, data, 2, settings)
        # 256 examples in batches of 50: six steps for each epoch.
        self.assertEqual(int(model.optimizer.iterations), 12)
        # A cosine in float32 is 0 to some 1e-7.
        self.assertAllClose(model.optimizer.learning_rate, 0.0, atol=1e-6)


class OpenGatesTest(test_util.TestCase):
    def test_open_gates_are_counted(self):
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(5, name="hidden"),
                keras.layers.Dense(2),
            ]
        )
        gated = keras_l0.add_gates(model)
        self.assertEqual(compression.open_gates(gated), {"hidden": (5, 5)})
        (vector,) = keras_l0.layers.gate_vectors(gated).values()
        vector.logits.assign([9.0, -9.0, 0.0, -9.0, 9.0])
        self.assertEqual(compression.open_gates(gated), {"hidden": (3, 5)})


class TableTest(test_util.TestCase):
    def test_lines_hold_what_was_measured(self):
        def size(params, litert_bytes):
            return {
                "params": params,
                "macs": 2 * params if params else None,
                "litert_bytes": litert_bytes,
                "ms_1_thread": 0.25 if litert_bytes else None,
            }

        report = {
            "test_examples": 1200,
            "test_accuracy": {
                "dense": 0.75,
                "gated": 0.5,
                "stripped": 0.5,
                "fine-tuned": 0.625,
                "saved_model": 0.625,
                "model_int8.tflite": 0.25,
            },
            "comparison": {
                "models": {
                    "dense": size(4000, 900),
                    "gated": size(4000, None),
                    "stripped": size(1000, 300),
                    "stripped int8": size(None, 100),
                }
            },
        }
        lines = compression.table(report).split("\n")
        self.assertEqual(
            [line.split() for line in lines[:7]],
            [
                ["params", "MACs", "bytes", "ms", "right"],
                ["dense", "4,000", "8,000", "900", "0.250", "75.00", "%"],
                ["gated", "4,000", "8,000", "-", "-", "50.00", "%"],
                ["stripped", "1,000", "2,000", "300", "0.250", "50.00", "%"],
                ["fine-tuned", "1,000", "2,000", "300", "0.250", "62.50", "%"],
                ["as", "int8", "1,000", "2,000", "100", "0.250", "25.00", "%"],
                "left 25.0 % 25.0 % 33.3 % 100.0 %".split(),
            ],
        )
        self.assertIn("1,200 test examples", lines[-1])
        self.assertLess(max(map(len, lines)), 81)


if __name__ == "__main__":
    absltest.main()
