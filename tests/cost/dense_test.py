"""Tests of the cost rules of Dense and EinsumDense."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import test_util
from tests.cost import ones


class DenseTest(test_util.TestCase):
    @parameterized.parameters(((7,),), ((4, 7),), ((2, 3, 7),))
    def test_macs_match_products(self, shape):
        layer = keras.layers.Dense(5)
        expected = ones.products(layer, shape)
        self.assertEqual(
            ones.macs(layer, (None, *shape), (None, *shape[:-1], 5)),
            expected,
        )

    def test_macs_of_open_size_are_unknown(self):
        layer = keras.layers.Dense(5)
        self.assertIsNone(ones.macs(layer, (None, None, 7), (None, None, 5)))


class EinsumDenseTest(test_util.TestCase):
    @parameterized.parameters(
        ("ab,bc->ac", (7,), (5,)),
        ("abc,cd->abd", (4, 7), (None, 5)),
        ("abc,cde->abde", (4, 6), (None, 2, 3)),
        ("abcd,cde->abe", (4, 2, 3), (None, 5)),
        ("...x,xy->...y", (4, 3, 7), (5,)),
        ("...x,xy->...y", (7,), (5,)),
        ("ab...,bc->ac...", (7, 4, 3), (5, 4, 3)),
        ("abc,bd->adc", (4, 3), (5, 3)),
    )
    def test_macs_match_products(self, equation, shape, output_shape):
        layer = keras.layers.EinsumDense(equation, output_shape)
        expected = ones.products(layer, shape)
        self.assertGreater(expected, 0)
        self.assertEqual(ones.macs(layer, (None, *shape), None), expected)

    def test_macs_of_open_size_are_unknown(self):
        layer = keras.layers.EinsumDense("abc,cd->abd", (None, 5))
        layer.build((None, 4, 7))
        self.assertIsNone(ones.macs(layer, (None, None, 7), None))


if __name__ == "__main__":
    absltest.main()
