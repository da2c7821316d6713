"""Layers that go as a whole, and networks at their limits."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import PatternTestCase

DEAD = [0] * 6


class DeletionTest(PatternTestCase):
    def conv(self, name, **kwargs):
        return layers.Conv2D(6, 3, padding="same", name=name, **kwargs)

    def test_all_channels_of_a_branch(self):
        x = keras.Input((4, 4, 3))
        dead = self.gate(self.conv("dead"), DEAD)(x)
        y = layers.Concatenate(name="join")([dead, self.conv("live")(x)])
        small = self.check(x, layers.Conv2D(2, 2)(y), live=6)
        self.assertNotIn("dead", self.names(small))
        self.assertNotIn("join", self.names(small))

    @parameterized.parameters("relu", "sigmoid")
    def test_all_channels_of_a_long_branch(self, activation):
        # Behind the dead layer all are constants; with biases and padding
        # they differ at the border, so that what follows may have to stay.
        x = keras.Input((4, 4, 3))
        y = self.gate(self.conv("dead"), DEAD)(x)
        for i in range(3):
            y = layers.Conv2D(6, 1, activation=activation, name=f"long{i}")(y)
            y = layers.BatchNormalization()(y)
        y = layers.Add()([y, self.conv("live")(x)])
        small = self.check(x, layers.Conv2D(2, 2)(y), live=6)
        self.assertEqual(small.count_params(), (27 + 1) * 6 + (24 + 1) * 2)

    def test_layer_in_a_chain_of_residual_layers(self):
        # Closing the gates of a block is to delete it.
        y = x = keras.Input((4, 4, 6))
        for i, gates in enumerate((GATES, DEAD, GATES)):
            z = self.conv(f"a{i}", activation="relu")(y)
            z = self.conv(f"b{i}")(self.gate(layers.Identity(), gates)(z))
            y = layers.Add()([y, z])
        z = self.gate(self.conv("last"), DEAD)(y)
        y = layers.Add()([y, z])
        small = self.check(x, layers.Dense(2)(y), a0=4, a2=4, b2=6)
        # Of the dead block its last bias is left, in the layer that reads it.
        for name in ("a1", "b1", "last"):
            self.assertNotIn(name, self.names(small))

    def test_layer_that_two_outputs_share(self):
        x = keras.Input((4, 4, 3))
        dead = self.gate(self.conv("dead", activation="relu"), DEAD)(x)
        live = self.conv("live")(x)
        ends = [
            layers.Conv2D(2, 2)(layers.Add()([live, dead])),
            layers.Conv2D(2, 2)(layers.Concatenate()([dead, live])),
        ]
        small = self.check(x, ends, live=6)
        self.assertNotIn("dead", self.names(small))

    @parameterized.parameters("relu", "sigmoid")
    def test_every_layer_at_its_limit(self, activation):
        # One unit left everywhere, and still a network.
        y = x = keras.Input((6, 6, 3))
        one = [0, 0, 0, 0.6, 0, 0]
        for i in range(3):
            y = self.gate(
                layers.Conv2D(6, 2, activation=activation, name=f"c{i}"), one
            )(y)
        y = layers.Flatten()(y)
        y = self.gate(layers.Dense(6, activation, name="d"), one)(y)
        small = self.check(
            x, layers.Dense(2, name="e")(y), c0=1, c1=1, c2=1, d=1, e=2
        )
        self.assertEqual(small.get_layer("e").kernel.shape, (1, 2))

    def test_network_without_a_way_through_is_refused(self):
        x = keras.Input((4, 4, 3))
        y = self.gate(self.conv("dead"), DEAD, name="gate")(x)
        model = self.finish(x, layers.Conv2D(2, 2)(y))
        with self.assertRaisesRegex(ValueError, "units of 'gate' are closed"):
            keras_l0.strip_gates(model)


if __name__ == "__main__":
    absltest.main()
