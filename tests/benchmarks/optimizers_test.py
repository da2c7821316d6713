"""Tests which optimizer trains what in a phase."""

import keras
import numpy as np
from absl.testing import absltest

from benchmarks import networks
from benchmarks import optimizers
from benchmarks import recipes
from benchmarks.recipe import Phase
from tests import test_util
from tests.benchmarks import fake_mnist


def _arguments(model, phase):
    return optimizers.arguments(model, phase, fake_mnist.TINY, 55_000)


class OptimizersTest(test_util.TestCase):
    def test_published_recipe_has_one_optimizer(self):
        recipe = recipes.RECIPES["lenet5", "separate", "published"]
        arguments = optimizers.arguments(
            networks.lenet5(), recipe.phases[0], recipe, 55_000
        )
        self.assertEqual([*arguments], ["optimizer"])
        optimizer = arguments["optimizer"]
        self.assertIsInstance(optimizer, keras.optimizers.Adam)
        self.assertEqual(
            float(np.float32(optimizer.learning_rate)), np.float32(1e-3)
        )

    def test_gates_of_a_family_have_their_own(self):
        model = networks.lenet_300_100(gate="arm")
        arguments = _arguments(model, Phase(1, 0.5, gate_learning_rate=0.25))
        model.compile(**arguments, loss="mse")
        self.assertAllClose(model.optimizer.learning_rate, 0.5)
        self.assertAllClose(model.optimizer.gate_optimizer.learning_rate, 0.25)

    def test_rates_fall_to_zero_along_a_cosine(self):
        model = networks.lenet_300_100(gate="arm")
        phase = Phase(4, gate_learning_rate=0.25, cosine=True)
        for optimizer in _arguments(model, phase).values():
            rate = optimizer._learning_rate
            self.assertAllClose(rate(4 * 55_000 / 25), 0.0, atol=1e-9)
            self.assertGreater(rate(4 * 55_000 / 25 - 100), 0.0)

    def test_frozen_gates_have_none(self):
        model = networks.lenet_300_100(gate="arm")
        phase = Phase(1, gate_learning_rate=0.25, frozen=True)
        self.assertEqual([*_arguments(model, phase)], ["optimizer"])


if __name__ == "__main__":
    absltest.main()
