"""Tests of the argument checks: what passes, and what is said otherwise."""

import fractions

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.internal import validation


class NumberTest(parameterized.TestCase):
    @parameterized.parameters(
        2, 0.5, np.float32(0.5), np.int64(2), fractions.Fraction(1, 2)
    )
    def test_numbers_become_floats(self, value):
        for check in (
            validation.check_number,
            validation.check_non_negative,
            validation.check_positive,
        ):
            number = check("x", value)
            self.assertIs(type(number), float)
            self.assertEqual(number, float(value))

    @parameterized.parameters(
        ("0.5", "'0.5'", "str"),
        (None, "None", "NoneType"),
        (True, "True", "bool"),
        (1j, "1j", "complex"),
        ([1.0], r"\[1.0\]", "list"),
        (np.ones(1), r"array\(\[1.\]\)", "ndarray"),
    )
    def test_no_number(self, value, shown, name):
        for check in (
            validation.check_number,
            validation.check_non_negative,
            validation.check_positive,
        ):
            with self.assertRaisesRegex(
                TypeError,
                rf"`x` must be a number. Received: x={shown} \({name}\)",
            ):
                check("x", value)

    @parameterized.parameters(np.nan, np.inf, -np.inf, 10**310)
    def test_not_finite(self, value):
        for check in (
            validation.check_number,
            validation.check_non_negative,
            validation.check_positive,
        ):
            with self.assertRaisesRegex(
                ValueError, f"`x` must be finite. Received: x={value}"
            ):
                check("x", value)

    def test_boolean(self):
        self.assertIs(validation.check_boolean("x", False), False)
        for value in (0, 1.0, "True", None, np.nan):
            with self.assertRaisesRegex(TypeError, "`x` must be True or False"):
                validation.check_boolean("x", value)

    def test_seed(self):
        for value in (None, 0, 2**63 - 1):
            self.assertEqual(validation.check_seed("x", value), value)
        for value in (-1, 2**63):
            with self.assertRaisesRegex(ValueError, f"`x` .*x={value}"):
                validation.check_seed("x", value)
        with self.assertRaisesRegex(TypeError, "`x` must be an integer"):
            validation.check_seed("x", True)

    def test_integer_without_a_minimum(self):
        self.assertEqual(validation.check_integer("x", -7), -7)
        with self.assertRaisesRegex(TypeError, "`x` must be an integer"):
            validation.check_integer("x", -7.0)

    def test_sign(self):
        self.assertEqual(validation.check_number("x", -1), -1.0)
        self.assertEqual(validation.check_non_negative("x", 0), 0.0)
        with self.assertRaisesRegex(
            ValueError, "`x` must not be negative. Received: x=-1"
        ):
            validation.check_non_negative("x", -1)
        for value in (0, -0.5):
            with self.assertRaisesRegex(
                ValueError, f"`x` must be positive. Received: x={value}"
            ):
                validation.check_positive("x", value)


class ChoiceTest(parameterized.TestCase):
    def test_choice(self):
        self.assertEqual(validation.check_choice("on", "a", ("a", "b")), "a")
        with self.assertRaisesRegex(
            ValueError,
            r"Unknown `on`. Expected one of \('a', 'b'\). Received: on='c'",
        ):
            validation.check_choice("on", "c", ("a", "b"))


class LayerTest(parameterized.TestCase):
    def test_layers_and_models_pass(self):
        for layer in (keras.layers.Dense(1), keras.Sequential([])):
            self.assertIs(validation.check_layer("layer", layer), layer)

    def test_others_do_not(self):
        for value, name in (("dense", "str"), (keras.layers.Dense, "type")):
            with self.assertRaisesRegex(
                TypeError,
                "`layer` must be a `keras.layers.Layer`. Received: "
                rf"layer=.* \({name}\)",
            ):
                validation.check_layer("layer", value)


class AxisTest(parameterized.TestCase):
    @parameterized.parameters((1, 1), (2, 2), (-1, 2), (-2, 1))
    def test_axis_is_counted_from_the_front(self, axis, expected):
        found = validation.normalize_axis(axis, (None, 4, 3), "the output")
        self.assertEqual(found, expected)

    @parameterized.parameters(0, -3, 3, -4)
    def test_no_such_axis(self, axis):
        with self.assertRaisesRegex(
            ValueError,
            "`axis` must name an axis of the output other than the batch "
            rf"axis. Received: axis={axis}, shape=\(None, 4, 3\)",
        ):
            validation.normalize_axis(axis, (None, 4, 3), "the output")

    @parameterized.parameters(1.0, "1", None, True)
    def test_no_integer(self, axis):
        with self.assertRaisesRegex(
            TypeError, f"`axis` must be an integer. Received: axis={axis!r}"
        ):
            validation.normalize_axis(axis, (None, 4, 3), "the output")

    def test_axis_of_unknown_size(self):
        with self.assertRaisesRegex(
            ValueError,
            "The gated axis of the output must have a known size. "
            r"Received: axis=-2, shape=\(None, None, 3\)",
        ):
            validation.normalize_axis(-2, (None, None, 3), "the output")


class BuiltModelTest(parameterized.TestCase):
    def test_built_models_pass(self):
        late = keras.Sequential([keras.layers.Dense(2)])
        late(np.ones((1, 3)))
        x = keras.Input((3,))
        for model in (late, keras.Model(x, x), keras.Model()):
            self.assertIs(validation.check_built_model(model), model)

    @parameterized.parameters(3, None, keras.layers.Dense)
    def test_no_model(self, wrong):
        with self.assertRaisesRegex(TypeError, "must be a `keras.Model`. Rec"):
            validation.check_built_model(wrong)

    def test_sequential_model_without_shapes(self):
        model = keras.Sequential([keras.layers.Dense(2)], name="young")
        with self.assertRaisesRegex(
            ValueError, "'young' is not built, .* call it on data first"
        ):
            validation.check_built_model(model)


if __name__ == "__main__":
    absltest.main()
