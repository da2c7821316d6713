"""Residual connections: sums and products of branches."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

import keras_l0
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


def conv(filters, kernel=3, strides=1, **kwargs):
    return layers.Conv2D(filters, kernel, strides, padding="same", **kwargs)


class ResidualTest(PatternTestCase):
    def branch(self, x, name, gates=GATES, filters=6):
        """Convolution, norm, activation and a convolution behind."""
        y = conv(6, use_bias=False, name=name)(x)
        y = layers.BatchNormalization()(y)
        y = self.gate(layers.ReLU(), gates)(y)
        return conv(filters)(y)

    def test_identity_add(self):
        x = keras.Input((4, 4, 6))
        y = layers.Add()([self.branch(x, "inner"), x])
        self.check(x, layers.Flatten()(layers.ReLU()(y)), inner=4)

    def test_add_with_projection(self):
        x = keras.Input((4, 4, 3))
        y = self.branch(x, "inner")
        y = layers.Add()([y, conv(6, 1, name="shortcut")(x)])
        y = self.gate(layers.ReLU(name="sum"), OTHERS)(y)
        # What nobody reads behind the sum, neither branch computes.
        self.check(x, conv(2)(y), inner=4, shortcut=3, sum=3)

    def test_stage_of_additions_with_shared_gates(self):
        vector = keras_l0.GateVector()
        x = keras.Input((4, 4, 3))

        def end(y, name):
            layer = conv(6, name=name)
            return self.gate(layer, GATES, gate_vector=vector)(y)

        y = end(x, "stem")
        for i in range(3):
            z = conv(6, activation="relu", name=f"inner{i}")(y)
            y = layers.Add()([y, end(z, f"end{i}")])
        small = self.check(
            x, layers.Dense(2)(y), stem=4, end0=4, end1=4, end2=4, inner2=6
        )
        self.assertEqual(small.get_layer("inner2").kernel.shape[2], 4)

    def test_two_residual_branches_in_parallel(self):
        x = keras.Input((4, 4, 6))
        branches = [
            self.branch(x, "left"),
            self.branch(x, "right", OTHERS),
        ]
        y = layers.Add()([x, *branches])
        self.check(x, conv(2)(layers.ReLU()(y)), left=4, right=3)

    def test_dual_residual(self):
        # Each of two streams takes the other one's branch.
        x = keras.Input((4, 4, 6))
        left = layers.Add()([self.branch(x, "a"), x])
        right = layers.Add()([self.branch(left, "b", OTHERS), x])
        y = layers.Add()([self.branch(right, "c"), left])
        self.check(x, [conv(1)(y), conv(1)(right)], a=4, b=3, c=4)

    def test_addition_of_a_layer_that_is_an_output(self):
        x = keras.Input((4, 4, 6))
        last = self.gate(conv(6, name="last"), GATES)(x)
        y = layers.Add()([last, conv(6, name="other")(x)])
        y = self.gate(layers.ReLU(), OTHERS)(y)
        self.check(x, [conv(2)(y), last], last=4, other=3)

    @parameterized.parameters("dense", "convolution", "operations")
    def test_squeeze_and_excite(self, variant):
        x = keras.Input((4, 4, 3))
        y = self.gate(conv(6, activation="swish", name="expand"), GATES)(x)
        if variant == "dense":
            z = layers.GlobalAveragePooling2D()(y)
            z = layers.Dense(6, "relu", name="squeeze")(z)
            z = self.gate(layers.Identity(), OTHERS)(z)
            z = layers.Dense(6, "sigmoid", name="excite")(z)
            z = layers.Reshape((1, 1, 6))(z)
        elif variant == "convolution":
            z = layers.GlobalAveragePooling2D(keepdims=True)(y)
            z = conv(6, 1, activation="swish", name="squeeze")(z)
            z = self.gate(layers.Identity(), OTHERS)(z)
            z = conv(6, 1, activation="hard_sigmoid", name="excite")(z)
        else:
            z = ops.mean(y, axis=(1, 2), keepdims=True)
            z = layers.Dense(6, "relu", name="squeeze")(z)
            z = self.gate(layers.Identity(), OTHERS)(z)
            z = ops.sigmoid(layers.Dense(6, name="excite")(z))
        y = y * z if variant == "operations" else layers.Multiply()([y, z])
        self.check(x, conv(2, name="project")(y), expand=4, squeeze=3, excite=4)

    def test_attention_over_positions(self):
        x = keras.Input((4, 4, 3))
        y = self.gate(conv(6, activation="swish", name="expand"), GATES)(x)
        z = conv(1, 3, activation="sigmoid")(y)
        y = conv(2, name="project")(layers.Multiply()([y, z]))
        small = self.check(x, y, expand=4)
        self.assertEqual(small.get_layer("project").kernel.shape[2], 4)

    @parameterized.parameters("Minimum", "Maximum", "Average", "Subtract")
    def test_other_merges(self, name):
        x = keras.Input((4, 4, 3))
        branches = [
            self.gate(conv(6, name=label), gates)(x)
            for label, gates in (("left", GATES), ("right", OTHERS))
        ]
        y = getattr(layers, name)()(branches)
        self.check(
            x, layers.Dense(2)(layers.Activation("sigmoid")(y)), left=4, right=3
        )

    def test_groups_and_elementwise_and_split(self):
        x = keras.Input((4, 4, 6))
        y = layers.Add()([conv(6, groups=3, name="grouped")(x), x])
        left, right = ops.split(y, 2, axis=-1)
        y = layers.Multiply()([left, ops.tanh(right)])
        y = self.gate(layers.Identity(), [0, 1, 0.5])(y)
        # Channels 1, 2 of the left and 4, 5 of the right: all three groups.
        self.check(x, conv(2)(y), grouped=6)
        self.wanted = []
        y = self.gate(layers.Identity(), [1, 0, 0])(left)
        # Channel 0 only, of the first group.
        self.check(x, conv(2)(y), grouped=1)

    def test_all_of_a_long_branch(self):
        x = keras.Input((4, 4, 6))
        y = x
        for i in range(4):
            y = layers.BatchNormalization()(conv(6, name=f"long{i}")(y))
        y = layers.Add()([self.gate(layers.ReLU(), [0] * 6)(y), x])
        small = self.check(x, conv(2, name="end")(y))
        self.assertLen(small.layers, 2)


if __name__ == "__main__":
    absltest.main()
