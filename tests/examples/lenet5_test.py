"""Tests of LeNet-5: the network, and the whole way on a few images."""

import functools
import os

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from absl.testing import absltest

import keras_l0
from examples import lenet5
from examples import options
from tests import test_util
from tests.examples import example_run

define_flags = functools.partial(options.define_flags, lenet5.DEFAULTS)


class BuildTest(test_util.TestCase):
    def test_dense_network_has_the_published_size(self):
        model = lenet5.build()
        self.assertEqual(model.count_params(), 431_080)
        self.assertEqual(model.output_shape, (None, 10))
        self.assertFalse(keras_l0.layers.has_gates(model))

    def test_gates_are_where_they_were_published(self):
        model = lenet5.build(l0=(1.0, 2.0, 3.0, 4.0))
        gates = {
            layer.name: (layer.gate_vector.num_gates, float(layer.l0))
            for layer in keras_l0.layers.gate_layers(model)
        }
        self.assertEqual(
            gates,
            {
                "conv1_outputs": (20, 1.0),
                "conv2_outputs": (50, 2.0),
                "fc1_inputs": (800, 3.0),
                "fc2_inputs": (500, 4.0),
            },
        )

    def test_both_networks_start_alike(self):
        kernels = []
        for l0 in (None, (0.0,) * 4):
            keras.utils.set_random_seed(0)
            weights = lenet5.build(l0=l0).weights
            kernels.append([w for w in weights if w.name == "kernel"])
        for dense, gated in zip(*kernels, strict=True):
            scale = np.sqrt(2 / np.prod(dense.shape[:-1]))
            # The standard error of a standard deviation is 1 / sqrt(2 n) of
            # it; the smallest kernel has 500 weights. False alarms: 6e-5.
            error = scale / np.sqrt(2 * np.prod(dense.shape))
            self.assertAllClose(np.std(dense), scale, atol=4 * error, rtol=0)
            self.assertAllClose(np.std(gated), scale, atol=4 * error, rtol=0)

    def test_other_images_and_classes(self):
        model = lenet5.build((32, 32, 3), 7, (0.0,) * 4)
        self.assertEqual(model.output_shape, (None, 7))
        gates = keras_l0.layers.gate_vectors(model)["fc1_inputs"]
        self.assertEqual(gates.num_gates, 5 * 5 * 50)


class MainTest(test_util.TestCase):
    """One run, looked at from all sides: it takes a while."""

    def test_everything_is_written_and_told(self):
        folder = self.create_tempdir().full_path
        report, output = example_run.run(
            lenet5.main,
            define_flags,
            folder,
            "--epochs=2",
            "--fine_tune_epochs=1",
            "--batch_size=16",
            "--gate_learning_rate=0.3",
        )
        out = os.path.join(folder, "out")
        self.assertEqual(sorted(os.listdir(out)), example_run.FILES)
        self._check_report(report)
        self._check_models(out, report)
        for words in (
            "[6/6]",
            "open_gates: ",
            "with the gates frozen",
            "conv1 ",
            "dense / stripped",
            "x fewer",
            f"Written to {out}",
        ):
            self.assertIn(words, output)

    def _check_report(self, report):
        self.assertEqual(report["network"], "lenet5")
        self.assertEqual(report["training_images"], 72)
        self.assertEqual(report["test_images"], 20)
        self.assertEqual(report["options"]["epochs"], 2)
        self.assertEqual(report["options"]["l0"], list(lenet5.DEFAULTS.l0))
        accuracy = report["test_accuracy"]
        self.assertEqual(
            list(accuracy),
            [
                "dense",
                "gated",
                "stripped",
                "stripped.keras",
                "saved_model",
                "model.tflite",
                "model_int8.tflite",
            ],
        )
        for name in ("stripped", "stripped.keras", "saved_model"):
            self.assertEqual(accuracy[name], accuracy["gated"])
        for name, counts in report["open_gates"].items():
            self.assertLen(counts, 3)
            # Strip keeps no closed unit, and no open one without effect.
            self.assertLessEqual(report["units_after"][name], counts[-1])
            self.assertLess(counts[-1], report["units_before"][name])
        rows = report["comparison"]["models"]
        self.assertEqual(rows["dense"]["params"], 431_080)
        self.assertLess(rows["stripped"]["params"], 431_080)

    def _check_models(self, out, report):
        gated, stripped = (
            keras.saving.load_model(os.path.join(out, f"{name}.keras"))
            for name in ("gated", "stripped")
        )
        self.assertEqual(
            stripped.count_params(),
            report["comparison"]["models"]["stripped"]["params"],
        )
        x = np.random.default_rng(0).random((3, 28, 28, 1), "float32")
        expected = gated(x)
        saved_model = tf.saved_model.load(os.path.join(out, "saved_model"))
        # Rounding, a few hundred units in the last place.
        tolerance = 1e-5 * np.max(np.abs(expected))
        self.assertAllClose(stripped(x), expected, atol=tolerance, rtol=0)
        self.assertAllClose(
            saved_model.serve(x), expected, atol=tolerance, rtol=0
        )

    def test_words_on_the_command_line(self):
        with self.assertRaisesRegex(app.UsageError, r"Received: \['mnist'\]"):
            lenet5.main(["lenet5", "mnist"], flags.FlagValues())


if __name__ == "__main__":
    absltest.main()
