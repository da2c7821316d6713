"""Depthwise and grouped convolutions, and the blocks that they make."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


def conv(filters, kernel=1, **kwargs):
    return layers.Conv2D(filters, kernel, padding="same", **kwargs)


def depthwise(name, **kwargs):
    return layers.DepthwiseConv2D(3, padding="same", name=name, **kwargs)


class GroupedTest(PatternTestCase):
    def gated(self, x, activation="relu", gates=GATES, name="conv"):
        layer = conv(6, activation=activation, name=name)
        return self.gate(layer, gates)(x)

    def test_depthwise(self):
        x = keras.Input((4, 4, 3))
        y = depthwise("depth", activation="tanh")(self.gated(x))
        small = self.check(x, conv(2, name="end")(y), conv=4, depth=4)
        self.assertEqual(small.get_layer("end").kernel.shape[2], 4)

    def test_depthwise_gated_behind(self):
        x = keras.Input((4, 4, 3))
        y = depthwise("depth")(conv(6, activation="sigmoid", name="conv")(x))
        y = self.gate(layers.ReLU(), GATES)(y)
        self.check(x, conv(2)(y), conv=4, depth=4)

    def test_constants_under_the_padding_of_a_depthwise_convolution(self):
        # sigmoid(0) is seen at the border by fewer kernel positions.
        x = keras.Input((4, 4, 3))
        y = layers.Activation("sigmoid")(self.gated(x, None))
        y = depthwise("depth", activation="gelu")(y)
        self.check(x, conv(2)(y), conv=4, depth=6)

    def test_several_depthwise_convolutions_of_one_tensor(self):
        x = keras.Input((4, 4, 3))
        y = self.gated(x)
        first, second = depthwise("first")(y), depthwise("second")(y)
        first = self.gate(layers.ReLU(), [1, 1, 0, 0, 1, 0])(first)
        # Of the three that are read, the first one is a constant.
        self.check(
            x, [conv(2)(first), conv(2)(second)], conv=4, first=2, second=4
        )

    @parameterized.parameters(2, 3)
    def test_depth_multiplier(self, multiplier):
        x = keras.Input((4, 4, 3))
        y = depthwise("depth", depth_multiplier=multiplier)(self.gated(x))
        small = self.check(
            x, conv(2, name="end")(y), conv=4, depth=4 * multiplier
        )
        kernel = small.get_layer("end").kernel
        self.assertEqual(kernel.shape[2], 4 * multiplier)

    def test_grouped(self):
        x = keras.Input((4, 4, 3))
        y = conv(4, 3, groups=2, name="grouped")(self.gated(x))
        small = self.check(x, conv(2)(y), conv=4, grouped=4)
        # Units 1, 2 of the first group and 4, 5 of the second.
        self.assertEqual(small.get_layer("grouped").kernel.shape[2], 2)

    def test_groups_of_which_different_numbers_survive(self):
        x = keras.Input((4, 4, 3))
        y = self.gated(x, gates=[1, 0.5, 1, 0, 0, 0.3])
        y = conv(6, 3, groups=2, activation="gelu", name="grouped")(y)
        y = self.gate(layers.Identity(), [1, 0, 0, 1, 0.4, 1])(y)
        small = self.check(x, conv(2, name="end")(y), conv=4)
        kernel = small.get_layer("grouped").kernel
        self.assertEqual(kernel.shape, (3, 3, 3, 6))  # the fullest group
        self.assertEqual(small.get_layer("end").kernel.shape[2], 4)

    def test_group_that_is_all_closed(self):
        x = keras.Input((4, 4, 6))
        layer = conv(6, 3, groups=3, name="grouped")
        y = self.gate(layer, [1, 0.4, 0, 0, 1, 1])(x)
        small = self.check(x, conv(2)(y), grouped=4)
        self.assertEqual(small.get_layer("grouped").groups, 2)

    def test_several_numbers_of_groups_in_a_chain(self):
        x = keras.Input((4, 4, 3))
        y = conv(12, name="one", activation="relu")(x)
        y = self.gate(layers.Identity(), [0, 0, 1, 1, 0.3, 1] * 2)(y)
        y = conv(12, groups=3, activation="relu", name="three")(y)
        y = self.gate(layers.Identity(), [1, 1, 0, 0.5] * 3)(y)
        y = conv(12, groups=4, name="four")(y)
        self.check(x, conv(2)(y), one=8, three=9, four=12)

    def test_groups_and_concatenation(self):
        x = keras.Input((4, 4, 3))
        left = self.gated(x, name="left")
        right = self.gated(x, gates=OTHERS, name="right")
        y = layers.Concatenate()([left, right])
        y = conv(4, 3, groups=4, name="grouped")(y)
        small = self.check(x, y, left=4, right=3)
        self.assertEqual(small.get_layer("grouped").kernel.shape[2], 2)

    def test_mobile_net_v1_block(self):
        x = keras.Input((4, 4, 3))
        y = x
        for i, gates in enumerate((GATES, OTHERS)):
            y = depthwise(f"depth{i}", use_bias=False)(y)
            y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
            y = conv(6, use_bias=False, name=f"point{i}")(y)
            y = layers.BatchNormalization()(y)
            y = self.gate(layers.ReLU(6.0), gates)(y)
        y = layers.GlobalAveragePooling2D()(y)
        self.check(
            x, layers.Dense(2)(y), depth0=3, point0=4, depth1=4, point1=3
        )

    def inverted_residual(self, x, name, gates, activation, excite=False):
        """Expands, filters, maybe excites, projects and adds."""
        y = conv(6, use_bias=False, name=f"{name}_expand")(x)
        y = layers.Activation(activation)(layers.BatchNormalization()(y))
        y = depthwise(f"{name}_depth", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = self.gate(layers.Activation(activation), gates)(y)
        if excite:
            z = layers.GlobalAveragePooling2D(keepdims=True)(y)
            z = self.gate(
                conv(6, activation="relu", name=f"{name}_squeeze"), OTHERS
            )(z)
            z = conv(6, activation="hard_sigmoid", name=f"{name}_excite")(z)
            y = layers.Multiply()([y, z])
        y = conv(x.shape[-1], use_bias=False, name=f"{name}_project")(y)
        return layers.Add()([x, layers.BatchNormalization()(y)])

    def test_mobile_net_v2_block(self):
        y = x = keras.Input((4, 4, 3))
        for name, gates in (("a", GATES), ("b", OTHERS)):
            y = self.inverted_residual(y, name, gates, "relu6")
        small = self.check(
            x, y, a_expand=4, a_depth=4, b_expand=3, b_depth=3, b_project=3
        )
        self.assertEqual(small.get_layer("b_project").kernel.shape[2], 3)

    @parameterized.parameters("hard_swish", "swish")
    def test_mobile_net_v3_block(self, activation):
        y = x = keras.Input((4, 4, 3))
        for name, gates in (("a", GATES), ("b", OTHERS)):
            y = self.inverted_residual(y, name, gates, activation, True)
        self.check(
            x,
            layers.GlobalAveragePooling2D()(y),
            a_expand=4,
            a_squeeze=3,
            a_excite=4,
            b_expand=3,
            b_squeeze=3,
            b_excite=3,
        )

    def test_dead_block_vanishes(self):
        x = keras.Input((4, 4, 3))
        y = self.inverted_residual(x, "a", [0] * 6, "relu6", True)
        small = self.check(x, conv(2)(y))
        self.assertLen(small.layers, 2)

    def test_separable_convolutions(self):
        # As in Xception.
        x = keras.Input((4, 4, 3))
        y = conv(6, name="conv")(x)
        shortcut = y
        for i, gates in enumerate((GATES, OTHERS)):
            y = layers.SeparableConv2D(
                6, 3, padding="same", use_bias=False, name=f"separable{i}"
            )(y)
            y = layers.BatchNormalization()(y)
            y = self.gate(layers.ReLU(), gates)(y)
        y = layers.Add()([y, shortcut])
        self.check(x, conv(2)(y), separable0=4, separable1=3, conv=6)


if __name__ == "__main__":
    absltest.main()
