"""Tests of products of sizes."""

from absl.testing import absltest

from keras_l0.cost import sizes
from tests import test_util


class SizesTest(test_util.TestCase):
    def test_product(self):
        self.assertEqual(sizes.product(2, 3, 7), 42)
        self.assertEqual(sizes.product(), 1)
        self.assertIsNone(sizes.product(2, None, 7))

    def test_positions_and_channels_by_data_format(self):
        shape = (None, 3, 5, 7)
        self.assertEqual(sizes.positions(shape, "channels_last"), 15)
        self.assertEqual(sizes.positions(shape, "channels_first"), 35)
        self.assertEqual(sizes.channels(shape, "channels_last"), 7)
        self.assertEqual(sizes.channels(shape, "channels_first"), 3)


if __name__ == "__main__":
    absltest.main()
