"""Tests of selections and of the adapters made from them."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.surgery.channels import Channels
from keras_l0.surgery.selection import Adapter
from keras_l0.surgery.selection import Selection
from tests.surgery.strip_test_case import StripTestCase


def applied(adapter, array):
    """The adapter in NumPy, channel by channel."""
    array = np.moveaxis(array, adapter.axis, 0)
    wanted = zip(adapter.positions, adapter.scale, adapter.shift, strict=True)
    channels = [
        (array[p] * scale if p >= 0 else 0 * array[0]) + shift
        for p, scale, shift in wanted
    ]
    return np.moveaxis(np.stack(channels), 0, adapter.axis)


class AdapterTest(StripTestCase):
    def adapter(self, positions, scale=1.0, shift=0.0, axis=1, width=3):
        size = len(positions)
        return Adapter(
            axis,
            width,
            np.array(positions, int),
            np.broadcast_to(scale, size).astype(float),
            np.broadcast_to(shift, size).astype(float),
        )

    @parameterized.product(
        positions=([0, 1, 2], [2, 0], [1], [-1, 1, -1, 0], [-1], [1, 1]),
        scale=(1.0, 0.5),
        shift=(0.0, -2.0),
        axis=(1, 2, 3),
    )
    def test_matches_numpy(self, positions, scale, shift, axis):
        # A shift of its own for each channel, if any.
        shift = shift * np.arange(1.0, len(positions) + 1.0)
        adapter = self.adapter(positions, scale, shift, axis)
        # Also where several axes are of one size: Keras' own sum of a tensor
        # and a vector would take one for the other.
        x = self.rng.normal(size=(2, 3, 3, 3))
        expected = applied(adapter, x)
        symbol = keras.Input(x.shape[1:])
        # The input itself, should the adapter be the identity.
        model = keras.Model(symbol, [symbol, adapter(symbol)])
        self.assertAllClose(model(x)[1], expected)

    @parameterized.parameters("float16", "float32", "float64")
    def test_keeps_the_type(self, dtype):
        x = keras.ops.ones((2, 3), dtype)
        y = self.adapter([-1, 0], [1.0, 0.5], [2.0, 0.0])(x)
        self.assertEqual(y.dtype, dtype)
        self.assertAllEqual(y, [[2.0, 0.5]] * 2)

    def test_identity_returns_the_tensor(self):
        x = keras.KerasTensor((None, 3))
        self.assertIs(self.adapter([0, 1, 2])(x), x)
        self.assertIs(self.adapter([0], axis=None)(x), x)

    def test_identity_is_told_from_what_is_near(self):
        self.assertTrue(self.adapter([0, 1, 2]).is_identity)
        for adapter in (
            self.adapter([0, 1]),
            self.adapter([0, 2, 1]),
            self.adapter([0, 1, 2], scale=[1.0, 1.0, 0.5]),
            self.adapter([0, 1, 2], shift=[0.0, 0.0, 0.5]),
        ):
            self.assertFalse(adapter.is_identity)

    def test_symbolic_result_is_not_sparse(self):
        # Keras says so of a product with an array, and layers that it cannot
        # infer the shape of fail on it.
        y = self.adapter([0, 1, 2], scale=0.5)(keras.Input((3,)))
        self.assertFalse(y.sparse)

    def test_shifted_adds_at_the_end(self):
        adapter = self.adapter([0, 1], scale=2.0, shift=1.0)
        self.assertAllEqual(
            adapter.shifted(np.array([3.0, 4.0])).shift, [4.0, 5.0]
        )
        self.assertAllEqual(adapter.shift, [1.0, 1.0])


class SelectionTest(StripTestCase):
    def setUp(self):
        super().setUp()
        self.channels = Channels(
            1,
            np.array([False, True, False, True]),
            np.array([0.0, 0.25, 0.0, 0.0]),
        )
        kept = np.array([True, False, True, False])
        self.selection = Selection.of(self.channels, kept)

    def test_of_numbers_what_is_kept(self):
        self.assertEqual(self.selection.width, 2)
        self.assertAllEqual(self.selection.position, [0, -1, 1, -1])
        self.assertAllEqual(self.selection.scale, np.ones(4))

    def scaled(self, scale):
        return Selection(
            self.channels, 2, self.selection.position, np.array(scale)
        )

    def test_adapt_all_restores_the_original(self):
        selection = self.scaled([0.5, 9.0, 2.0, 9.0])
        x = np.array([[10.0, 20.0]])
        self.assertAllEqual(
            applied(selection.adapt_all(), x), [[5.0, 0.25, 40.0, 0.0]]
        )

    def test_adapt_takes_what_is_wanted(self):
        adapter = self.scaled([0.5, 1, 2, 1]).adapt(np.array([2, 1]))
        self.assertAllEqual(adapter.positions, [1, -1])
        self.assertAllEqual(adapter.scale, [2.0, 1.0])
        self.assertAllEqual(adapter.shift, [0.0, 0.25])

    def test_adapt_leaves_factors_that_the_consumer_absorbs(self):
        selection = self.scaled([0.5, 1, 2, 1])
        adapter = selection.adapt(np.array([0, 2]), absorbed=True)
        self.assertAllEqual(adapter.scale, [1.0, 1.0])

    def test_adapt_appends_ones(self):
        adapter = self.selection.adapt(np.array([2]), ones=1)
        x = np.array([[10.0, 20.0]])
        self.assertAllEqual(applied(adapter, x), [[20.0, 1.0]])

    def test_adapt_to_ones_only(self):
        adapter = self.selection.adapt(np.array([], int), ones=1)
        x = keras.ops.convert_to_tensor([[10.0, 20.0]])
        self.assertAllEqual(adapter(x), [[1.0]])

    def test_adapt_nothing_passes_what_is_there(self):
        adapter = self.scaled([0.5, 1, 2, 1]).adapt_nothing()
        self.assertTrue(adapter.is_identity)

    def test_with_channels_stays_in_place(self):
        other = Channels.live(2, 4)
        moved = self.scaled([0.5, 1, 2, 1]).with_channels(other)
        self.assertIs(moved.channels, other)
        self.assertAllEqual(moved.position, [0, -1, 1, -1])
        self.assertAllEqual(moved.scale, [0.5, 1, 2, 1])


if __name__ == "__main__":
    absltest.main()
