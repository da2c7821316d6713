"""Transposed convolutions."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class TransposedTest(PatternTestCase):
    def up(self, filters=6, **kwargs):
        return layers.Conv2DTranspose(filters, 3, 2, **kwargs)

    @parameterized.parameters("valid", "same")
    def test_behind_a_convolution(self, padding):
        x = keras.Input((3, 4, 2))
        conv = layers.Conv2D(6, 2, activation="relu", name="conv")
        y = self.gate(conv, GATES)(x)
        small = self.check(x, self.up(2, padding=padding, name="up")(y), conv=4)
        self.assertEqual(small.get_layer("up").kernel.shape, (3, 3, 2, 4))

    def test_before_a_convolution(self):
        x = keras.Input((3, 4, 2))
        y = self.gate(self.up(activation="gelu", name="up"), GATES)(x)
        small = self.check(x, layers.Conv2D(2, 3, name="conv")(y), up=4)
        self.assertEqual(small.get_layer("conv").kernel.shape, (3, 3, 4, 2))

    def test_norm_and_activation(self):
        x = keras.Input((3, 4, 2))
        y = layers.BatchNormalization(name="norm")(self.up(name="up")(x))
        y = self.gate(layers.LeakyReLU(), GATES)(y)
        y = self.up(padding="same", name="next")(y)
        y = self.gate(layers.BatchNormalization(), OTHERS)(y)
        self.check(x, layers.Conv2D(1, 2)(y), up=4, norm=4, next=3)

    def test_constants_count_by_position(self):
        # How often a constant is added differs: they become one of ones.
        x = keras.Input((3, 4, 2))
        y = self.gate(layers.Conv2D(6, 1, name="conv"), GATES)(x)
        y = self.up(2, name="up")(layers.Activation("sigmoid")(y))
        small = self.check(x, y, conv=4)
        self.assertEqual(small.get_layer("up").kernel.shape[3], 4 + 1)

    def test_head_keeps_its_units(self):
        x = keras.Input((3, 4, 2))
        y = self.gate(self.up(name="up"), GATES)(x)
        self.check(x, self.up(3, name="head")(y), up=4, head=3)

    def test_one_dimension(self):
        x = keras.Input((4, 2))
        up = layers.Conv1DTranspose(6, 3, 2, activation="elu", name="up")
        y = self.gate(up, GATES)(x)
        self.check(x, layers.Conv1D(2, 2)(y), up=4)

    def test_three_dimensions(self):
        x = keras.Input((2, 3, 2, 2))
        up = layers.Conv3DTranspose(6, 2, 2, activation="elu", name="up")
        y = self.gate(up, GATES)(x)
        self.check(x, layers.Conv3D(2, 2)(y), up=4)


if __name__ == "__main__":
    absltest.main()
