"""Tests that the recipes fit their networks and each other."""

from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from benchmarks import building
from benchmarks.recipes import PUBLISHED
from benchmarks.recipes import RECIPES

_LAYERS = {"lenet_300_100": 3, "lenet5": 4}
_NAMED = [("_".join(key), *key) for key in RECIPES]


class RecipesTest(parameterized.TestCase):
    @parameterized.named_parameters(*_NAMED)
    def test_every_layer_has_a_price(self, network, row, name):
        recipe = RECIPES[network, row, name]
        self.assertLen(recipe.l0, _LAYERS[network])
        self.assertLen(recipe.drop_rate, _LAYERS[network])
        if recipe.on is not None:
            self.assertLen(recipe.on, _LAYERS[network])

    @parameterized.named_parameters(*_NAMED)
    def test_small_architecture_comes_from_a_row(self, network, row, name):
        source = RECIPES[network, row, name].architecture_of
        if source is not None:
            self.assertIn((network, *source.split("-")), RECIPES)

    @parameterized.named_parameters(
        *[("_".join(key), *key) for key in PUBLISHED]
    )
    def test_published_row_has_a_recipe_of_ours(self, network, row):
        self.assertIn((network, row, "ours"), RECIPES)

    @parameterized.parameters("lenet_300_100", "lenet5")
    def test_baselines_take_as_long_as_a_gated_row(self, network):
        compared = ("arm_uniform", "scratch_of_arm_uniform", "magnitude")
        epochs = {
            row: sum(phase.epochs for phase in recipe.phases)
            for (name, row, _), recipe in RECIPES.items()
            if name == network and row.startswith(compared)
        }
        self.assertLen(epochs, 5)
        self.assertLen({*epochs.values()}, 1, epochs)

    def test_options_reach_the_gates(self):
        recipe = RECIPES["lenet5", "dependent", "ours"]
        model = building.build("lenet5", recipe, 55_000)
        layer = keras_l0.layers.gate_layers(model)[0]
        start = layer.gate_vector.gate.start
        self.assertEqual(start, recipe.options["start"])
        self.assertNotEqual(start, keras_l0.gates.get("dependent").start)
        price = float(layer.l0) * 55_000
        self.assertAlmostEqual(price, recipe.l0[0], places=5)


if __name__ == "__main__":
    absltest.main()
