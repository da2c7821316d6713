"""Tests for choosing layers."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.internal import layer_filter
from tests import test_util

LAYERS = {
    "stem": layers.Conv2D(4, 3),
    "block/conv_1": layers.Conv2D(4, 3),
    "block/conv_2": layers.SeparableConv2D(4, 3),
    "head": layers.Dense(4),
}


class LayerFilterTest(test_util.TestCase):
    @parameterized.parameters(
        (None, None, {"stem", "block/conv_1", "block/conv_2", "head"}),
        ("conv", None, {"block/conv_1", "block/conv_2"}),
        ("^head$", None, {"head"}),
        (None, "^block/", {"stem", "head"}),
        (layers.Dense, None, {"head"}),
        ("block", layers.SeparableConv2D, {"block/conv_1"}),
        (["stem", layers.Dense], None, {"stem", "head"}),
        (
            None,
            lambda layer: isinstance(layer, layers.Conv2D),
            {"block/conv_2", "head"},
        ),
        ("stem", "stem", set()),
    )
    def test_choice(self, include, exclude, expected):
        chosen = layer_filter.choose(LAYERS, include, exclude)
        self.assertEqual(chosen, expected)

    @parameterized.parameters(
        ("haed", "'head'"), ("block/conv_3", "'block/conv_"), ("zzz", "e.g.")
    )
    def test_what_fits_nothing_names_what_is_near(self, pattern, near):
        for name in ("include", "exclude"):
            with self.assertRaisesRegex(
                ValueError, f"`{name}` fits no layer.*{near}.*Received: {name}="
            ):
                layer_filter.choose(LAYERS, **{name: pattern})

    def test_one_of_several_fits_nothing(self):
        with self.assertRaisesRegex(ValueError, "include='zzz'"):
            layer_filter.choose(LAYERS, ["stem", "zzz"])

    def test_no_regular_expression(self):
        with self.assertRaisesRegex(ValueError, "regular expression.*'\\(a'"):
            layer_filter.choose(LAYERS, "(a")

    @parameterized.parameters(3, keras.Sequential)
    def test_something_else(self, given):
        error = TypeError if given == 3 else ValueError
        with self.assertRaisesRegex(error, "Received: exclude="):
            layer_filter.choose(LAYERS, exclude=given)


if __name__ == "__main__":
    absltest.main()
