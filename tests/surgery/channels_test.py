"""Tests of the lattice of channels."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.surgery.channels import Channels
from keras_l0.surgery.channels import default_axis
from tests import test_util


def channels(known, value, divisible=True):
    return Channels(1, np.array(known), np.array(value, float), divisible)


class ChannelsTest(test_util.TestCase):
    def test_live_channels_are_not_known(self):
        x = Channels.live(2, 3)
        self.assertEqual((x.axis, x.size), (2, 3))
        self.assertFalse(x.known.any())
        self.assertTrue(x.divisible)

    @parameterized.parameters(
        ((None, 5, 4), 1, 1, 5), ((None, 5, 4), None, None, 1)
    )
    def test_whole_tensor(self, shape, axis, expected_axis, size):
        x = Channels.whole(shape, axis)
        self.assertEqual((x.axis, x.size), (expected_axis, size))
        self.assertFalse(x.divisible)

    def test_nonzero_are_the_constants_that_matter(self):
        x = channels([True, True, False], [0.0, 2.0, 3.0])
        self.assertAllEqual(x.nonzero, [False, True, False])

    @parameterized.parameters(
        # Constants are put in by the consumer.
        ([True, False, False], [True, True, True], [False, True, True]),
        # Nobody needs anything.
        ([True, False, False], [False, False, False], [False, False, False]),
        # Only constants are needed: the first carries them.
        ([True, True, False], [False, True, False], [False, True, False]),
        ([True, True, True], [True, True, True], [True, False, False]),
    )
    def test_kept(self, known, needed, expected):
        x = channels(known, [0.5, 0.5, 0.5])
        self.assertAllEqual(x.kept(np.array(needed)), expected)

    def test_kept_of_a_whole_tensor_is_all_or_nothing(self):
        x = channels([True, False, False], [0.5, 0, 0], divisible=False)
        self.assertAllEqual(x.kept(np.array([True, False, False])), [True] * 3)
        self.assertAllEqual(x.kept(np.zeros(3, bool)), [False] * 3)


class DefaultAxisTest(test_util.TestCase):
    @parameterized.parameters(
        ((None, 3), 1), ((None, 3, 4), 2), ((None, 3, None), None), ((5,), None)
    )
    def test_is_the_last_if_its_size_is_known(self, shape, expected):
        self.assertEqual(default_axis(shape), expected)


if __name__ == "__main__":
    absltest.main()
