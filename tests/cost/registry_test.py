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

    def test_not_a_layer_class_raises(self):
        for wrong in (3, dict, keras.layers.Dense(2)):
            with self.assertRaisesRegex(TypeError, "`keras.layers.Layer` cl"):
                cost.register_cost_rule(wrong)


if __name__ == "__main__":
    absltest.main()
