"""Changes of shape between layers."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class ReshapingTest(PatternTestCase):
    def image(self, activation="sigmoid"):
        """A gated convolution, and what makes constants of its dead units."""
        x = keras.Input((5, 4, 3))
        y = self.gate(layers.Conv2D(6, 2, name="conv"), GATES)(x)
        return x, layers.Activation(activation)(y)

    def kernel(self, small, name):
        return tuple(small.get_layer(name).kernel.shape)

    def test_flatten_after_convolution(self):
        x, y = self.image()
        y = layers.Dense(6, activation="elu", name="flat")(layers.Flatten()(y))
        y = self.gate(layers.Identity(), OTHERS)(y)
        small = self.check(x, layers.Dense(2)(y), conv=4, flat=3)
        self.assertEqual(self.kernel(small, "flat"), (4 * 3 * 4, 3))

    def test_global_pooling_instead_of_flatten(self):
        x, y = self.image()
        y = layers.GlobalAveragePooling2D(keepdims=True)(y)
        y = layers.Dense(2, name="dense")(layers.Flatten()(y))
        small = self.check(x, y, conv=4)
        self.assertEqual(self.kernel(small, "dense"), (4, 2))

    @parameterized.parameters("layers", "operations")
    def test_two_reshapes_in_a_row(self, kind):
        x, y = self.image()  # (4, 3, 6)
        if kind == "layers":
            y = layers.Reshape((12, 6))(y)
            y = layers.Reshape((72,))(y)
        else:
            y = ops.reshape(y, (-1, 12, 6))
            y = ops.reshape(y, (-1, 72))
        small = self.check(x, layers.Dense(2, name="dense")(y), conv=4)
        self.assertEqual(self.kernel(small, "dense"), (12 * 4, 2))

    def test_dense_becomes_an_image_for_a_transposed_convolution(self):
        x = keras.Input((5,))
        y = layers.Dense(3 * 2 * 6, activation="tanh", name="dense")(x)
        y = layers.Reshape((3, 2, 6))(y)
        y = self.gate(layers.BatchNormalization(name="norm"), GATES)(y)
        up = layers.Conv2DTranspose(6, 3, 2, "same", name="up")
        y = self.gate(up, OTHERS)(y)
        y = layers.Conv2D(1, 3, padding="same")(layers.ReLU()(y))
        small = self.check(x, y, dense=3 * 2 * 4, norm=4, up=3)
        self.assertEqual(self.kernel(small, "up"), (3, 3, 3, 4))

    def test_transpose_and_permute(self):
        x, y = self.image()
        y = layers.Permute((3, 1, 2))(y)
        y = layers.Activation("softplus")(y)
        y = ops.transpose(y, (0, 2, 3, 1))
        small = self.check(x, layers.Conv2D(2, 2, name="reader")(y), conv=4)
        self.assertEqual(self.kernel(small, "reader"), (2, 2, 4, 2))

    def test_flatten_behind_permute(self):
        x, y = self.image()
        y = layers.Flatten()(layers.Permute((3, 2, 1))(y))
        small = self.check(x, layers.Dense(2, name="dense")(y), conv=4)
        self.assertEqual(self.kernel(small, "dense"), (4 * 12, 2))

    def test_axes_that_move(self):
        x, y = self.image()
        y = ops.swapaxes(ops.moveaxis(y, -1, 1), 1, 3)
        y = ops.squeeze(ops.expand_dims(y, 2), 2)
        small = self.check(x, layers.Dense(2, name="dense")(y), conv=4)
        self.assertEqual(self.kernel(small, "dense"), (4, 2))

    @parameterized.parameters("Dense", "EinsumDense")
    def test_dense_layer_over_several_axes(self, kind):
        x, y = self.image()
        if kind == "Dense":
            first, second = (layers.Dense(6, name=name) for name in "ab")
        else:
            first, second = (
                layers.EinsumDense(
                    "bhwc,cd->bhwd", (None, None, 6), bias_axes="d", name=name
                )
                for name in "ab"
            )
        y = self.gate(first, OTHERS)(y)
        y = second(layers.Activation("sigmoid")(y))
        small = self.check(x, y, conv=4, a=3, b=6)
        self.assertEqual(self.kernel(small, "a"), (4, 3))

    def test_dense_layer_that_is_broadcast(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(6, name="code"), GATES)(x)
        y = layers.RepeatVector(3)(layers.Activation("sigmoid")(y))
        y = layers.Dense(2, name="reader")(y)
        small = self.check(x, y, code=4)
        self.assertEqual(self.kernel(small, "reader"), (4, 2))

    def test_mean_over_positions(self):
        x, y = self.image()
        y = ops.mean(y, axis=(1, 2))
        small = self.check(x, layers.Dense(2, name="dense")(y), conv=4)
        self.assertEqual(self.kernel(small, "dense"), (4, 2))

    @parameterized.parameters("mean", "max", "sum")
    def test_mean_over_the_features(self, name):
        # Constants count in the mean: its input is whole, its source narrow.
        x, y = self.image()
        y = getattr(ops, name)(y, axis=-1)
        self.check(x, layers.Dense(2)(y), conv=4)


if __name__ == "__main__":
    absltest.main()
