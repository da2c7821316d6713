"""Tests of the register of cost rules."""

import keras
from absl.testing import absltest

from keras_l0 import cost
from keras_l0.cost import registry
from tests import test_util


class RegistryTest(test_util.TestCase):
    def test_nearest_class_wins(self):
        class Child(keras.layers.Dense):
            pass

        class Grandchild(Child):
            pass

        @cost.register_cost_rule(Child)
        def rule(layer, input_shape, output_shape):
            return 3

        self.assertIs(registry.cost_rule(Grandchild(2)), rule)
        self.assertIsNot(registry.cost_rule(keras.layers.Dense(2)), rule)

    def test_unknown_layer_has_no_rule(self):
        self.assertIsNone(registry.cost_rule(keras.layers.ConvLSTM1D(2, 1)))

    def test_rule_is_used(self):
        class Own(keras.layers.Layer):
            def call(self, inputs):
                return inputs[..., :2]

        cost.register_cost_rule(Own)(
            lambda layer, inputs, outputs: inputs[1] * outputs[1]
        )
        model = keras.Sequential([keras.Input((5,)), Own()])
        self.assertEqual(cost.count(model).macs, 10)

    def test_twice_raises_and_override_replaces(self):
        class Own(keras.layers.Layer):
            pass

        def first(layer, input_shape, output_shape):
            return 1

        def second(layer, input_shape, output_shape):
            return 2

        cost.register_cost_rule(Own)(first)
        with self.assertRaisesRegex(
            ValueError, r"for Own is already registered \(first\).*override"
        ):
            cost.register_cost_rule(Own)
        cost.register_cost_rule(Own, override=True)(second)
        self.assertIs(registry.cost_rule(Own()), second)

    def test_macs_by_axes(self):
        class Own(keras.layers.Layer):
            pass

        shapes = (None, 4), (None, 2)
        for returned, expected in (
            (7, {"": 7}),
            ({"io": 8, "i": 3}, {"io": 8, "i": 3}),
            (0, {"": 0}),
            (None, None),
            ({"io": 8, "i": None}, None),
        ):
            cost.register_cost_rule(Own, override=True)(
                lambda layer, inputs, outputs, macs=returned: macs
            )
            self.assertEqual(registry.layer_macs(Own(), *shapes), expected)
        unknown = keras.layers.ConvLSTM1D(2, 1)
        self.assertIsNone(registry.layer_macs(unknown, *shapes))

    def test_sum_over_the_axes_is_counted(self):
        class Own(keras.layers.Layer):
            def call(self, inputs):
                return inputs[..., :2]

        cost.register_cost_rule(Own)(
            lambda layer, inputs, outputs: {"io": 10, "i": 3}
        )
        model = keras.Sequential([keras.Input((5,)), Own()])
        self.assertEqual(cost.count(model).macs, 13)

    def test_axes_of_weights(self):
        class Own(keras.layers.Dense):
            pass

        class Child(Own):
            pass

        def rule(layer, input_shape, output_shape):
            return 0

        self.assertEqual(registry.weight_axes(keras.layers.Layer()), {})
        dense = {"kernel": "io", "bias": "o"}
        self.assertEqual(registry.weight_axes(Own(2)), dense)
        cost.register_cost_rule(Own)(rule)
        self.assertEqual(registry.weight_axes(Child(2)), {})
        cost.register_cost_rule(Own, weights={"*": "o"}, override=True)(rule)
        self.assertEqual(registry.weight_axes(Child(2)), {"*": "o"})
        cost.register_cost_rule(
            Own,
            weights=lambda layer: {"kernel": "i" * layer.units},
            override=True,
        )(rule)
        self.assertEqual(registry.weight_axes(Child(2)), {"kernel": "ii"})

    def test_not_a_layer_class_raises(self):
        for wrong in (3, dict, keras.layers.Dense(2)):
            with self.assertRaisesRegex(TypeError, "`keras.layers.Layer` cl"):
                cost.register_cost_rule(wrong)


if __name__ == "__main__":
    absltest.main()
