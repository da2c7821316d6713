"""Tests of the choice of columns."""

import dataclasses
import os

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from examples import datasets
from examples import feature_selection
from examples import tables
from tests import test_util
from tests.examples import outcome

SIGNAL, NOISE = 2, 6


def table() -> tables.Table:
    """Two classes: which side of a line in the plane of the first columns."""
    generator = np.random.default_rng(17)

    def part(rows):
        x = generator.standard_normal((rows, SIGNAL + NOISE)).astype("float32")
        return x, (x[:, 0] > x[:, 1]).astype("int64")

    names = [f"signal {n}" for n in range(SIGNAL)]
    names += [f"noise {n}" for n in range(NOISE)]
    data = datasets.Dataset(*part(300), *part(40), *part(200), 2)
    return tables.Table(data, tuple(names))


class BuildTest(test_util.TestCase):
    def test_gates_are_on_the_columns_only(self):
        model = feature_selection.build(9, 3, hidden=4, l0=0.1)
        (gate,) = keras_l0.layers.gate_layers(model)
        self.assertEqual((gate.on, gate.gate_vector.num_gates), ("inputs", 9))
        self.assertAllClose(gate.l0, 0.1)

    def test_without_a_price_there_are_no_gates(self):
        model = feature_selection.build(9, 3, hidden=4)
        self.assertFalse(keras_l0.layers.has_gates(model))


class RunTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.settings = dataclasses.replace(
            feature_selection.DEFAULTS,
            output_dir=self.folder,
            epochs=30,
            gate_epochs=40,
            noise_columns=NOISE,
            hidden=8,
            l0=0.8,
            gate_learning_rate=0.1,
            learning_rate=5e-3,
        )

    def test_columns_that_matter_are_found(self):
        given = table()
        report, printed = outcome.run(feature_selection, self.settings, given)
        self.assertEqual(sorted(os.listdir(self.folder)), outcome.FILES)
        outcome.check(self, report, given.data.x_test, 1 / 2)
        self.assertIn("Of 6 columns of noise 0 are left.", printed)
        self.assertIn("takes rows of 8 columns", printed)
        self.assertIn("picks the 2 that it reads", printed)
        for name in given.names:
            self.assertEqual(f"  {name} " in printed, "signal" in name)
        self._check_inputs(given.data.x_test)

    def _check_inputs(self, x):
        """The other columns are still taken, and make no difference."""
        small = keras.saving.load_model(
            os.path.join(self.folder, "stripped.keras")
        )
        self.assertEqual(small.input_shape, (None, SIGNAL + NOISE))
        other = x.copy()
        other[:, SIGNAL:] = 1e6
        self.assertAllEqual(small(other), small(x))
        other = x.copy()
        other[:, 0] += 1
        self.assertNotAllClose(small(other), small(x))


if __name__ == "__main__":
    absltest.main()
