"""Tests of the cost rules of depthwise and separable convolutions."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import test_util
from tests.cost import ones


class DepthwiseTest(test_util.TestCase):
    @parameterized.parameters(
        (lambda: keras.layers.DepthwiseConv1D(3), (9, 4)),
        (
            lambda: keras.layers.DepthwiseConv2D(
                (3, 2), strides=2, depth_multiplier=3
            ),
            (8, 7, 4),
        ),
    )
    def test_macs_match_products(self, make, shape):
        layer = make()
        expected = ones.products(layer, shape)
        shape = (None, *shape)
        output_shape = layer.compute_output_shape(shape)
        self.assertEqual(ones.macs(layer, shape, output_shape), expected)


class SeparableTest(test_util.TestCase):
    @parameterized.parameters((1,), (3,))
    def test_macs_are_those_of_both_steps(self, depth_multiplier):
        layer = keras.layers.SeparableConv2D(
            5, 3, depth_multiplier=depth_multiplier
        )
        first = ones.products(
            keras.layers.DepthwiseConv2D(3, depth_multiplier=depth_multiplier),
            (8, 7, 4),
        )
        second = ones.products(
            keras.layers.Conv2D(5, 1), (6, 5, 4 * depth_multiplier)
        )
        self.assertEqual(
            ones.macs(layer, (None, 8, 7, 4), (None, 6, 5, 5)),
            first + second,
        )

    def test_macs_of_one_dimension(self):
        # 7 positions: a kernel of 3 for 4 channels, then 4 x 5 products.
        layer = keras.layers.SeparableConv1D(5, 3)
        self.assertEqual(
            ones.macs(layer, (None, 9, 4), (None, 7, 5)),
            7 * 3 * 4 + 7 * 4 * 5,
        )

    def test_macs_of_open_size_are_unknown(self):
        layer = keras.layers.SeparableConv1D(5, 3)
        shapes = ((None, None, 4), (None, None, 5))
        self.assertIsNone(ones.macs(layer, *shapes))


if __name__ == "__main__":
    absltest.main()
