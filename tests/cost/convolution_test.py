"""Tests of the cost rules of convolutions and their transposes."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import test_util
from tests.cost import ones

LAYERS = keras.layers


class ConvolutionTest(test_util.TestCase):
    @parameterized.parameters(
        (lambda: LAYERS.Conv1D(5, 3), (9, 4)),
        (lambda: LAYERS.Conv1D(6, 3, groups=2), (9, 4)),
        (lambda: LAYERS.Conv2D(5, (3, 2)), (7, 6, 4)),
        (lambda: LAYERS.Conv2D(5, 3, strides=2), (8, 7, 4)),
        (lambda: LAYERS.Conv2D(5, 3, dilation_rate=2), (8, 7, 4)),
        (lambda: LAYERS.Conv2D(6, 3, groups=3), (5, 5, 9)),
        (lambda: LAYERS.Conv3D(5, 2), (4, 3, 5, 2)),
    )
    def test_macs_match_products(self, make, shape):
        layer = make()
        expected = ones.products(layer, shape)
        shape = (None, *shape)
        output_shape = layer.compute_output_shape(shape)
        self.assertEqual(ones.macs(layer, shape, output_shape), expected)

    def test_macs_count_padding(self):
        # 5 x 5 positions of a 3 x 3 kernel, 2 channels in and 4 out.
        layer = keras.layers.Conv2D(4, 3, padding="same")
        self.assertEqual(
            ones.macs(layer, (None, 5, 5, 2), (None, 5, 5, 4)),
            25 * 9 * 2 * 4,
        )

    def test_macs_channels_first(self):
        layer = keras.layers.Conv2D(4, 3, data_format="channels_first")
        self.assertEqual(
            ones.macs(layer, (None, 2, 8, 7), (None, 4, 6, 5)),
            30 * 9 * 2 * 4,
        )

    def test_macs_of_open_size_are_unknown(self):
        layer = keras.layers.Conv2D(4, 3)
        shapes = ((None, None, 8, 2), (None, None, 6, 4))
        self.assertIsNone(ones.macs(layer, *shapes))


class ConvolutionTransposeTest(test_util.TestCase):
    @parameterized.parameters(
        (lambda: LAYERS.Conv1DTranspose(5, 3), (9, 4)),
        (lambda: LAYERS.Conv2DTranspose(5, (3, 2), strides=2), (4, 6, 3)),
        (lambda: LAYERS.Conv3DTranspose(2, 2, strides=2), (2, 3, 2, 3)),
    )
    def test_macs_match_products(self, make, shape):
        layer = make()
        expected = ones.products(layer, shape)
        self.assertEqual(
            ones.macs(layer, (None, *shape), None),
            expected,
        )

    def test_macs_count_what_is_cropped(self):
        layer = keras.layers.Conv2DTranspose(4, 3, padding="same")
        self.assertEqual(
            ones.macs(layer, (None, 5, 5, 2), None),
            25 * 9 * 2 * 4,
        )


if __name__ == "__main__":
    absltest.main()
