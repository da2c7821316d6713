"""Tests of the compression of a recurrent network."""

import dataclasses
import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from examples import datasets
from examples import recurrent
from tests import test_util
from tests.examples import outcome
from tests.examples import small_images


class WithLoopsTest(test_util.TestCase):
    @parameterized.parameters("gru", "lstm")
    def test_looped_network_computes_the_same(self, cell):
        model = recurrent.build((5, 3), 4, cell, units=6)
        looped = recurrent.with_loops(model)
        self.assertEqual(looped.input_shape, (1, 5, 3))
        self.assertFalse(looped.get_layer("first").unroll)
        self.assertTrue(model.get_layer("first").unroll)
        x = np.random.default_rng(test_util.test_seed()).random((1, 5, 3), "f")
        # A few units in the last place.
        self.assertAllClose(looped(x), model(x), atol=1e-6)


class RunTest(test_util.TestCase):
    def test_compressed_network_is_smaller_and_as_good(self):
        folder = self.create_tempdir().full_path
        data = small_images.stripes(height=4)
        settings = dataclasses.replace(
            recurrent.DEFAULTS,
            output_dir=folder,
            epochs=8,
            gate_epochs=12,
            batch_size=16,
            learning_rate=1e-2,
            macs=0.5,
            units=16,
        )
        report, _ = outcome.run(recurrent, settings, data)
        files = sorted([*outcome.FILES, "model_loop.tflite"])
        self.assertEqual(sorted(os.listdir(folder)), files)
        x = datasets.as_rows(data).x_test
        outcome.check(self, report, x, 1 / 4, macs=0.5)
        self._check_loop(folder, x[:1])

    def _check_loop(self, folder, x):
        small = keras.saving.load_model(os.path.join(folder, "stripped.keras"))
        path = os.path.join(folder, "model_loop.tflite")
        interpreter = tf.lite.Interpreter(path)
        runner = interpreter.get_signature_runner()
        (name,) = runner.get_input_details()
        (found,) = runner(**{name: x}).values()
        # Weights of fewer than 1024 entries stay floats: only the larger ones
        # are rounded, to 1 in 127.
        self.assertAllClose(found, small(x), atol=0.1 * np.ptp(small(x)))
        names = [op["op_name"] for op in interpreter._get_ops_details()]
        self.assertIn("WHILE", names)


if __name__ == "__main__":
    absltest.main()
