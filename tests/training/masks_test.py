"""Tests of booleans as text."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.training import masks
from tests import test_util


class MasksTest(test_util.TestCase):
    def test_text(self):
        # 1010 0000 1 and seven bits that mean nothing.
        mask = [True, False, True, *[False] * 5, True]
        self.assertEqual(masks.pack(np.array(mask)), "9:a080")

    @parameterized.parameters(0, 1, 7, 8, 9, 100)
    def test_array_comes_back(self, size):
        mask = np.random.default_rng(size).random(size) < 0.5
        found = masks.unpack(masks.pack(mask))
        self.assertEqual(found.dtype, bool)
        self.assertAllEqual(found, mask)


if __name__ == "__main__":
    absltest.main()
