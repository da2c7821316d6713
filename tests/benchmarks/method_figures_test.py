"""Tests the pictures of the gate families."""

import os

import numpy as np
from absl.testing import absltest
from absl.testing import flagsaver
from absl.testing import parameterized
from PIL import Image

import keras_l0
from benchmarks import method_figures
from tests import test_util


class MethodFiguresTest(test_util.TestCase):
    def test_shares_of_hard_concrete(self):
        gate = keras_l0.gates.HardConcrete()
        closed, between, opened = method_figures.shares(
            method_figures.samples(gate, 0.0, 1000)
        )
        # sigmoid(-2/3 log(11)), which the grid hits to one of its points.
        self.assertAllClose([closed, opened], [0.168178] * 2, atol=1e-3)
        self.assertAllClose(closed + sum(between) + opened, 1.0)

    def test_shares_of_coin(self):
        gates = method_figures.samples(keras_l0.gates.ARM(), 0.0, 1000)
        closed, between, opened = method_figures.shares(gates)
        self.assertAllEqual(between, np.zeros(20))
        self.assertAllClose([closed, opened], [0.5, 0.5], atol=1e-3)

    def test_slope_of_straight_through_is_not_the_steps(self):
        gate = keras_l0.gates.StraightThrough()
        value, slope = method_figures.gate_and_slope(gate)
        self.assertAllInSet(value, [0.0, 1.0])
        self.assertAllEqual(slope, np.ones_like(value))

    def test_every_family_has_a_picture(self):
        families = {type(s.gate) for s in method_figures.STUDIES.values()}
        self.assertLen(families, 5)
        for name, study in method_figures.STUDIES.items():
            self.assertIs(type(keras_l0.gates.get(name)), type(study.gate))

    def test_training_is_seeded(self):
        study = method_figures.STUDIES["arm"]
        runs = [method_figures.train(study, 10) for _ in range(2)]
        self.assertAllEqual(runs[0][0], [0, 5, 10])
        self.assertEqual(runs[0][1].shape, (3, method_figures.INPUTS))
        self.assertAllEqual(runs[0][1], runs[1][1])
        self.assertNotAllClose(runs[0][1][0], runs[0][1][2])

    @parameterized.parameters(*method_figures.STUDIES)
    def test_picture(self, name):
        folder = self.create_tempdir().full_path
        path = method_figures.draw(name, folder, steps=10)
        self.assertEqual(os.listdir(folder), [f"{name}.png"])
        with Image.open(path) as image:
            self.assertEqual((image.format, image.size), ("PNG", (900, 350)))
        self.assertBetween(os.path.getsize(path), 5_000, 80_000)

    def test_main_draws_all(self):
        folder = os.path.join(self.create_tempdir().full_path, "new")
        studies = {"arm": method_figures.STUDIES["arm"]}
        with (
            flagsaver.flagsaver(output_dir=folder),
            absltest.mock.patch.object(method_figures, "STUDIES", studies),
            absltest.mock.patch.object(method_figures, "train") as train,
        ):
            train.return_value = np.array([0, 5]), np.ones((2, 12))
            method_figures.main([])
        self.assertEqual(os.listdir(folder), ["arm.png"])


if __name__ == "__main__":
    absltest.main()
