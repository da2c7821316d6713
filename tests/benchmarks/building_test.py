"""Tests that a small network is what a trained one was."""

import numpy as np
from absl.testing import absltest

import keras_l0
from benchmarks import building
from benchmarks import counting
from benchmarks import networks
from benchmarks.recipes import RECIPES
from tests import test_util


class BuildingTest(test_util.TestCase):
    def test_masks_are_gates_above_zero(self):
        model = networks.lenet5()
        vector = keras_l0.layers.gate_layers(model)[0].gate_vector
        vector.logits.assign(np.where(np.arange(20) < 3, 0.0, -4.0))
        masks = building.masks(model)
        self.assertEqual(masks[0], "1" * 3 + "0" * 17)
        self.assertEqual([len(m) for m in masks], [20, 50, 800, 500])

    def test_small_lenet5_has_the_kept_units(self):
        generator = np.random.default_rng(0)
        features = generator.random((16, 5)) < 0.4
        features[:, 1] = False  # of a map that is closed itself
        masks = ["1101", "10111", _string(features.ravel()), "011101"]
        model = building.build_small(
            "lenet5",
            RECIPES["lenet5", "scratch_of_arm_uniform", "ours"],
            55_000,
            masks,
        )
        units = counting.kept_units(model)
        self.assertEqual(units, [3, 4, features.sum(), 4])
        kernels = [
            layer.layer.kernel.shape
            for layer in keras_l0.layers.gate_layers(model)
        ]
        self.assertEqual(
            kernels, [(5, 5, 1, 3), (5, 5, 3, 4), (64, 4), (4, 10)]
        )
        expected = np.delete(features, 1, axis=1).ravel()
        self.assertEqual(building.masks(model)[2], _string(expected))


def _string(mask):
    return "".join("01"[int(value)] for value in mask)


if __name__ == "__main__":
    absltest.main()
