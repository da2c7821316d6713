"""Concatenations: dense blocks, inception, skips."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers
from keras import ops

from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


def conv(filters, kernel=3, strides=1, **kwargs):
    return layers.Conv2D(filters, kernel, strides, padding="same", **kwargs)


class ConcatenationTest(PatternTestCase):
    def pair(self, x, activation="sigmoid"):
        """Two gated convolutions, whose dead units are constants."""
        both = [
            self.gate(conv(6, name=name), gates)(x)
            for name, gates in (("left", GATES), ("right", OTHERS))
        ]
        return [layers.Activation(activation)(y) for y in both]

    def end(self, y):
        return layers.Conv2D(2, 2, name="end")(y)

    def kernel(self, small, name="end"):
        return tuple(small.get_layer(name).kernel.shape)

    def test_simple(self):
        x = keras.Input((4, 4, 3))
        y = layers.Concatenate()(self.pair(x))
        small = self.check(x, self.end(y), left=4, right=3)
        self.assertEqual(self.kernel(small), (2, 2, 7, 2))

    def test_nested_prefixes(self):
        x = keras.Input((4, 4, 3))
        left, right = self.pair(x)
        y = layers.Concatenate()([left, right])
        y = layers.Concatenate()([y, x])
        y = layers.Concatenate()([layers.ReLU()(y), right])
        small = self.check(x, self.end(y), left=4, right=3)
        self.assertEqual(self.kernel(small), (2, 2, 4 + 3 + 3 + 3, 2))

    def test_concatenation_then_split(self):
        x = keras.Input((4, 4, 3))
        y = layers.Concatenate()(self.pair(x))
        _, second, third = ops.split(y, [4, 9], axis=-1)
        ends = [self.end(second), conv(1, name="other")(third)]
        # Units 4 and 5 of the left are read, and all of the right.
        small = self.check(x, ends, left=2, right=3)
        self.assertEqual(self.kernel(small), (2, 2, 3, 2))

    def test_along_positions(self):
        x = keras.Input((4, 4, 3))
        y = layers.Concatenate(axis=2)(self.pair(x))
        small = self.check(x, self.end(y), left=4, right=3)
        # The same constant in both parts is one; no unit is closed in both.
        both = np.logical_or(np.array(GATES) > 0, np.array(OTHERS) > 0)
        self.assertEqual(self.kernel(small)[2], both.sum())

    def test_same_tensor_four_times(self):
        x = keras.Input((4, 4, 3))
        y = self.gate(conv(6, activation="gelu", name="conv"), GATES)(x)
        y = layers.Concatenate()([layers.Activation("sigmoid")(y)] * 4)
        small = self.check(x, self.end(y), conv=4)
        self.assertEqual(self.kernel(small), (2, 2, 16, 2))

    def test_concatenation_and_addition(self):
        x = keras.Input((4, 4, 3))
        left, right = self.pair(x)
        total = layers.Add(name="sum")([left, right])
        y = layers.Concatenate()([left, total, right])
        small = self.check(x, self.end(y), left=4, right=3, sum=6)
        self.assertEqual(self.kernel(small), (2, 2, 4 + 6 + 3, 2))

    def test_several_concatenations_of_several(self):
        x = keras.Input((4, 4, 3))
        left, right = self.pair(x)
        third = self.gate(conv(6, name="third"), [0] * 5 + [1])(x)
        a = layers.Concatenate()([left, third])
        b = layers.Concatenate()([right, third, left])
        ends = [self.end(layers.Concatenate()([a, b])), conv(1)(b)]
        small = self.check(x, ends, left=4, right=3, third=1)
        self.assertEqual(self.kernel(small), (2, 2, 5 + 8, 2))

    def test_concatenation_before_reshape(self):
        x = keras.Input((4, 4, 3))
        y = layers.Concatenate()(self.pair(x))
        y = layers.Reshape((16 * 12,))(y)
        small = self.check(x, layers.Dense(2, name="end")(y), left=4, right=3)
        self.assertEqual(self.kernel(small), (16 * 7, 2))

    def test_batch_normalization_behind(self):
        x = keras.Input((4, 4, 3))
        y = layers.Concatenate()(self.pair(x))
        y = layers.ReLU()(layers.BatchNormalization(name="norm")(y))
        self.check(x, self.end(y), left=4, right=3, norm=7)

    def test_dense_block(self):
        y = x = keras.Input((4, 4, 3))
        for i in range(3):
            z = layers.ReLU()(layers.BatchNormalization()(y))
            z = conv(6, 1, use_bias=False, name=f"bottleneck{i}")(z)
            z = self.gate(layers.ReLU(), OTHERS)(layers.BatchNormalization()(z))
            z = self.gate(conv(6, name=f"grow{i}"), GATES)(z)
            y = layers.Concatenate()([y, z])
        y = layers.BatchNormalization(name="transition")(y)
        y = layers.AveragePooling2D(2)(conv(2, 1)(layers.ReLU()(y)))
        small = self.check(
            x, y, grow0=4, grow1=4, grow2=4, bottleneck2=3, transition=15
        )
        self.assertEqual(self.kernel(small, "bottleneck2"), (1, 1, 11, 3))

    def test_inception_block(self):
        x = keras.Input((4, 4, 3))

        def unit(y, name, gates, kernel=1):
            layer = conv(6, kernel, activation="relu", name=name)
            return self.gate(layer, gates)(y)

        towers = [
            unit(x, "one", GATES),
            unit(unit(x, "reduce3", OTHERS), "three", GATES, 3),
            unit(
                unit(unit(x, "reduce5", GATES), "row", OTHERS, (1, 5)),
                "column",
                GATES,
                (5, 1),
            ),
            unit(layers.MaxPooling2D(3, 1, padding="same")(x), "pool", [0] * 6),
        ]
        y = layers.Concatenate(name="join")(towers)
        small = self.check(
            x, self.end(y), one=4, reduce3=3, three=4, row=3, column=4, join=12
        )
        self.assertNotIn("pool", self.names(small))

    def test_u_net(self):
        x = keras.Input((8, 8, 2))

        def unit(y, name, gates):
            layer = conv(6, activation="relu", name=name)
            return self.gate(layer, gates)(y)

        first = unit(x, "down1", GATES)
        second = unit(layers.MaxPooling2D()(first), "down2", OTHERS)
        y = unit(layers.MaxPooling2D()(second), "middle", GATES)
        for name, skip in (("up2", second), ("up1", first)):
            up = layers.Conv2DTranspose(6, 2, 2, name=name)
            y = layers.Concatenate()([skip, self.gate(up, OTHERS)(y)])
            y = unit(y, name.replace("up", "join"), GATES)
        widths = {"down1": 4, "down2": 3, "middle": 4, "up1": 3, "up2": 3}
        y = conv(1, 1, activation="sigmoid", name="head")(y)
        small = self.check(x, y, head=1, join1=4, join2=4, **widths)
        self.assertEqual(self.kernel(small, "join1"), (3, 3, 4 + 3, 4))

    def test_exchange_between_resolutions(self):
        # As in HRNet: every stream gets the sum of all, resampled.
        x = keras.Input((8, 8, 2))
        high = self.gate(conv(6, activation="relu", name="high"), GATES)(x)
        low = conv(6, strides=2, activation="relu", name="low")(x)
        low = self.gate(layers.Identity(), OTHERS)(low)
        up = layers.UpSampling2D()(conv(6, 1, name="up")(low))
        down = conv(6, strides=2, name="down")(high)
        high = layers.ReLU()(layers.Add()([high, up]))
        low = layers.ReLU()(layers.Add()([low, down]))
        low = self.gate(layers.BatchNormalization(name="norm"), OTHERS)(low)
        y = layers.Concatenate()([high, layers.UpSampling2D()(low)])
        small = self.check(x, self.end(y), high=4, low=3, up=6, down=3, norm=3)
        self.assertEqual(self.kernel(small, "up"), (1, 1, 3, 6))

    def test_cell_of_a_searched_network(self):
        # As in NASNet: sums of pairs, of two earlier cells, side by side.
        x = keras.Input((4, 4, 3))
        before, last = self.pair(x, "relu")
        sums = [
            layers.Add()(
                [
                    layers.SeparableConv2D(6, 3, padding="same", name="sep")(
                        last
                    ),
                    before,
                ]
            ),
            layers.Add()(
                [layers.AveragePooling2D(3, 1, padding="same")(last), before]
            ),
            layers.Add()(
                [layers.MaxPooling2D(3, 1, padding="same")(last), last]
            ),
        ]
        y = layers.Concatenate(name="cell")(sums)
        y = self.gate(layers.ReLU(), OTHERS * 3)(y)
        # Of three units that are read, one is open on the left.
        small = self.check(x, self.end(y), sep=3, left=1, right=3)
        self.assertEqual(self.kernel(small), (2, 2, 9, 2))


if __name__ == "__main__":
    absltest.main()
