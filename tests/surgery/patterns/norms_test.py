"""Normalization between gated layers."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class NormsTest(PatternTestCase):
    def image(self):
        x = keras.Input((4, 4, 3))
        return x, layers.Conv2D(6, 2, name="conv")

    def behind(self, y):
        y = layers.Conv2D(6, 2, name="next")(layers.ReLU()(y))
        return layers.Dense(2)(self.gate(layers.Identity(), OTHERS)(y))

    def test_batch_normalization(self):
        x, conv = self.image()
        y = layers.BatchNormalization(name="norm")(self.gate(conv, GATES)(x))
        self.check(x, self.behind(y), conv=4, norm=4, next=3)

    def test_layer_normalization_needs_all_channels(self):
        # Closed units count in the mean and variance of the others: they are
        # put in as zeros, and the convolution does without them.
        x, conv = self.image()
        y = layers.LayerNormalization(name="norm")(self.gate(conv, GATES)(x))
        self.check(
            x,
            self.behind(y),
            [Barrier.COUPLED_CHANNELS],
            conv=4,
            norm=6,
            next=3,
        )

    def test_layer_normalization_gated_behind(self):
        x, conv = self.image()
        y = layers.LayerNormalization(name="norm")(conv(x))
        y = self.gate(layers.ReLU(), GATES)(y)
        small = self.check(
            x,
            self.behind(y),
            [Barrier.COUPLED_CHANNELS],
            conv=6,
            norm=6,
            next=3,
        )
        self.assertEqual(small.get_layer("next").kernel.shape[2], 4)

    @parameterized.parameters((3, 6), (-1, 4))
    def test_group_and_instance_normalization(self, groups, left):
        # Groups of two units: one group is open as a whole, the others half.
        # An instance normalization has groups of one unit.
        x, conv = self.image()
        y = self.gate(conv, GATES)(x)
        y = layers.GroupNormalization(groups, name="norm")(y)
        self.check(x, self.behind(y), conv=4, norm=left, next=3)

    def test_group_normalization_of_closed_groups(self):
        x, conv = self.image()
        y = self.gate(conv, [0, 0, 1, 0.4, 0, 0])(x)
        y = layers.GroupNormalization(3, name="norm")(y)
        small = self.check(x, self.behind(y), conv=2, norm=2, next=3)
        self.assertEqual(small.get_layer("norm").groups, 1)

    def test_root_mean_square_normalization(self):
        x, conv = self.image()
        y = layers.RMSNormalization(name="norm")(self.gate(conv, GATES)(x))
        self.check(x, self.behind(y), conv=4, norm=4, next=3)

    def test_unit_normalization(self):
        x, conv = self.image()
        y = layers.UnitNormalization(name="norm")(self.gate(conv, GATES)(x))
        self.check(x, self.behind(y), conv=4, norm=4, next=3)

    def test_norms_before_and_behind_a_sum(self):
        x = keras.Input((4, 4, 6))
        y = layers.LayerNormalization()(x)
        y = self.gate(layers.Dense(6, "gelu", name="hidden"), GATES)(y)
        y = layers.Add()([layers.Dense(6)(y), x])
        y = layers.BatchNormalization(name="norm")(y)
        self.check(
            x,
            self.behind(y),
            [Barrier.COUPLED_CHANNELS],
            hidden=4,
            norm=6,
            next=3,
        )


if __name__ == "__main__":
    absltest.main()
