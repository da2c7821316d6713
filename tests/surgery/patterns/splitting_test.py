"""Tensors that are split into parts."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class SplittingTest(PatternTestCase):
    def image(self, filters=6, gates=GATES):
        """A gated convolution; its dead units are constants behind it."""
        x = keras.Input((5, 4, 3))
        y = self.gate(layers.Conv2D(filters, 1, name="conv"), gates)(x)
        return x, layers.Activation("sigmoid")(y)

    def widths(self, small, *names):
        """Input channels of layers."""
        return [small.get_layer(name).kernel.shape[-2] for name in names]

    @parameterized.named_parameters(
        ("equal", 2, [2, 2]),
        ("chunks", 3, [1, 1, 2]),
        ("unequal", [2, 3], [1, 1, 2]),
    )
    def test_split(self, parts, read):
        x, y = self.image()
        names = [f"part{i}" for i in range(len(read))]
        ends = [
            layers.Conv2D(2, 2, name=name)(part)
            for name, part in zip(names, ops.split(y, parts, -1), strict=True)
        ]
        small = self.check(x, ends, conv=4)
        self.assertEqual(self.widths(small, *names), read)

    def test_parts_of_one_layer_called_twice(self):
        x, y = self.image()
        shared = layers.Conv2D(2, 2, name="shared")
        left, right = ops.split(y, 2, axis=-1)
        small = self.check(x, [shared(left), shared(right)], conv=4)
        # Channels 1, 2 of the left and 4, 5 of the right.
        self.assertEqual(self.widths(small, "shared"), [2])

    def test_part_that_nothing_changes(self):
        x, y = self.image()
        left, right = ops.split(y, 2, axis=-1)
        right = layers.Conv2D(3, 3, padding="same", name="right")(right)
        y = layers.Concatenate()([layers.Identity()(left), right])
        small = self.check(x, layers.Conv2D(2, 2, name="end")(y), conv=4)
        self.assertEqual(self.widths(small, "end"), [2 + 3])

    def test_split_between_layers_that_couple_all_channels(self):
        # A closed unit cannot be left out of a softmax; it is put in again.
        x, y = self.image()
        left, right = ops.split(layers.Softmax()(y), 2, axis=-1)
        y = self.gate(layers.Identity(), [1, 0, 0.3])(left)
        ends = [layers.Dense(2)(layers.LayerNormalization()(y)), right]
        self.check(x, ends, [Barrier.COUPLED_CHANNELS] * 2, conv=4)

    def test_split_along_positions(self):
        x, y = self.image()
        upper, lower = ops.split(y, [2], axis=1)
        ends = [
            layers.Conv2D(2, 2, name=n)(p)
            for n, p in (("u", upper), ("l", lower))
        ]
        small = self.check(x, ends, conv=4)
        self.assertEqual(self.widths(small, "u", "l"), [4, 4])

    def test_slices_and_picked_channels(self):
        x, y = self.image()
        ends = [
            layers.Conv2D(2, 1, name="slice")(y[..., 1:5]),
            layers.Conv2D(2, 1, name="strided")(y[..., 1::3]),
            layers.Conv2D(2, 1, name="taken")(ops.take(y, [5, 0, 5], axis=-1)),
        ]
        small = self.check(x, ends, conv=4)
        self.assertEqual(self.widths(small, "slice"), [3])
        self.assertEqual(self.widths(small, "taken"), [2])
        self.assertEqual(self.widths(small, "strided"), [2])

    def shuffle(self, y, height, width, groups=2):
        channels = y.shape[-1]
        y = layers.Reshape((height, width, groups, channels // groups))(y)
        y = layers.Permute((1, 2, 4, 3))(y)
        return layers.Reshape((height, width, channels))(y)

    def test_shuffle_net_unit(self):
        # The first unit, with groups.
        x = keras.Input((4, 4, 6))
        y = layers.Conv2D(6, 1, groups=2, use_bias=False, name="squeeze")(x)
        y = layers.BatchNormalization(name="norm")(y)
        y = self.gate(layers.ReLU(), OTHERS)(y)
        y = self.shuffle(y, 4, 4)
        y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(y)
        y = layers.BatchNormalization()(y)
        y = layers.Conv2D(6, 1, groups=2, name="expand")(y)
        y = layers.ReLU()(layers.Add()([y, x]))
        # Open are the first unit of one group and two of the other. The first
        # group is filled up, and the shuffle is one of 2 x 2 channels.
        self.check(x, y, squeeze=4, norm=3, depthwise=4, expand=6)

    def test_shuffle_net_unit_of_two_halves(self):
        # The second version: one half passes, the other one is computed.
        x = keras.Input((4, 4, 6))
        y = self.gate(layers.Conv2D(6, 1, name="stem"), OTHERS)(x)
        left, right = ops.split(y, 2, axis=-1)
        right = layers.Conv2D(6, 1, activation="relu", name="first")(right)
        right = self.gate(layers.Identity(), GATES)(right)
        right = layers.DepthwiseConv2D(3, padding="same", name="depth")(right)
        right = layers.Conv2D(3, 1, activation="relu", name="last")(right)
        right = self.gate(layers.Identity(), [1, 0, 0.4])(right)
        y = self.shuffle(layers.Concatenate()([left, right]), 4, 4)
        small = self.check(
            x,
            layers.Conv2D(2, 1, name="end")(y),
            stem=3,
            first=4,
            depth=4,
            last=2,
        )
        # A column of the shuffle is there in both halves, or in none.
        self.assertEqual(self.widths(small, "first", "end"), [2, 2 * 2])


if __name__ == "__main__":
    absltest.main()
