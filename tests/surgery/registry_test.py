"""Tests of how the rule of an operation is found."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery import Barrier
from keras_l0.surgery import StripRule
from keras_l0.surgery import registry
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.registry import known_class
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rules.elementwise import ElementwiseRule
from keras_l0.surgery.rules.linear import ConvRule
from keras_l0.surgery.rules.linear import DenseRule
from tests import test_util


class Sized(layers.Dense):
    """A Dense that is made and saved in another way."""

    def __init__(self, half, **kwargs):
        super().__init__(2 * half, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)

    def get_config(self):
        config = super().get_config()
        config["half"] = config.pop("units") // 2
        return config

    @property
    def half(self):
        return self.units // 2


class OwnCall(layers.Dense):
    def call(self, inputs):
        return super().call(inputs) + 1.0


class OwnConvolution(layers.Conv2D):
    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel / 2.0)


class OwnSum(layers.Add):
    def _merge_function(self, inputs):
        return 2.0 * super()._merge_function(inputs)


class OwnDunderCall(layers.Dense):
    def __call__(self, *args, **kwargs):
        return 2.0 * super().__call__(*args, **kwargs)


class Grandchild(OwnCall):
    pass


class Tripled(layers.Layer):
    def call(self, x):
        return 3.0 * x


class TripledRule(StripRule):
    pass


class RegistryTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        before = dict(registry._RULES)
        self.addCleanup(registry._RULES.update, before)
        self.addCleanup(registry._RULES.clear)

    @parameterized.parameters(
        (layers.Dense(1), DenseRule),
        (layers.Conv3D(1, 1), ConvRule),
        (layers.LeakyReLU(), ElementwiseRule),
        (Sized(1), DenseRule),
    )
    def test_nearest_class_in_the_mro_wins(self, layer, rule_class):
        self.assertIs(type(find_rule(layer)), rule_class)

    def test_nearer_rule_wins(self):
        register_strip_rule(Sized)(TripledRule)
        self.assertIsInstance(find_rule(Sized(1)), TripledRule)
        self.assertIsInstance(find_rule(layers.Dense(1)), DenseRule)
        self.assertIs(known_class(Sized(1)), Sized)

    def test_unknown_classes_have_no_rule(self):
        for operation in (
            Tripled(),
            layers.RNN(layers.GRUCell(1)),
            layers.ConvLSTM1D(1, 1),
            keras.ops.logsumexp(keras.Input((2,)), axis=-1),
        ):
            operation = getattr(operation, "_keras_history", [operation])[0]
            self.assertEqual(find_rule(operation), Barrier.NO_RULE)
            self.assertIsNone(known_class(operation))

    @parameterized.parameters(
        OwnCall(1),
        OwnConvolution(1, 1),
        OwnSum(),
        OwnDunderCall(1),
        Grandchild(1),
    )
    def test_what_a_subclass_computes_is_not_guessed(self, layer):
        self.assertEqual(find_rule(layer), Barrier.OVERRIDDEN_CALL)

    def test_known_class_is_the_one_of_the_rule(self):
        self.assertIs(known_class(Sized(1)), layers.Dense)

    def test_registers_one_instance_and_returns_the_class(self):
        self.assertIs(register_strip_rule(Tripled)(TripledRule), TripledRule)
        self.assertIsInstance(find_rule(Tripled()), TripledRule)

    def test_twice_raises(self):
        with self.assertRaisesRegex(
            ValueError,
            r"A strip rule for Dense is already registered \(DenseRule\). "
            r"Pass `override=True` to replace it.",
        ):
            register_strip_rule(layers.Dense)
        self.assertIsInstance(find_rule(layers.Dense(1)), DenseRule)

    def test_override_replaces(self):
        register_strip_rule(layers.Dense, override=True)(TripledRule)
        self.assertIsInstance(find_rule(layers.Dense(1)), TripledRule)

    @parameterized.parameters("Dense", None)
    def test_something_else_than_a_class_raises(self, value):
        with self.assertRaisesRegex(
            TypeError,
            "`operation_class` must be a class. Received: "
            f"operation_class={value!r}",
        ):
            register_strip_rule(value)

    def test_layer_in_place_of_its_class_raises(self):
        with self.assertRaisesRegex(TypeError, "must be a class. Received"):
            register_strip_rule(layers.Dense(1))

    def test_rule_that_is_none_raises(self):
        class NoRule:
            pass

        for value in (NoRule, DenseRule()):
            with self.assertRaisesRegex(
                TypeError, "must be a subclass of `StripRule`. Received"
            ):
                register_strip_rule(Tripled)(value)
        self.assertEqual(find_rule(Tripled()), Barrier.NO_RULE)


if __name__ == "__main__":
    absltest.main()
