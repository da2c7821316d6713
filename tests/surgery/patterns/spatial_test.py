"""Layers that change the positions of an image, not its channels."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


def of_rank(kind, rank, *args, **kwargs):
    return getattr(layers, f"{kind}{rank}D")(*args, **kwargs)


class SpatialTest(PatternTestCase):
    @parameterized.product(rank=(1, 2, 3), kind=("Max", "Average"))
    def test_pool_crop_pad_enlarge(self, rank, kind):
        if rank == 3:  # TensorFlow has it in single precision only
            self.use("float32")
        x = keras.Input((*[6] * rank, 2))
        conv = of_rank("Conv", rank, 6, 1, activation="sigmoid", name="conv")
        y = self.gate(conv, GATES)(x)
        y = of_rank(f"{kind}Pooling", rank, 2, 1)(y)
        y = of_rank("Cropping", rank, 1)(y)
        y = of_rank("UpSampling", rank, 2)(layers.Activation("softplus")(y))
        y = of_rank("ZeroPadding", rank, 1)(y)
        y = of_rank("Conv", rank, 6, 2, name="next")(y)
        y = self.gate(of_rank(f"Global{kind}Pooling", rank), OTHERS)(y)
        self.check(x, layers.Dense(2)(y), conv=4, next=3)

    @parameterized.parameters("channels_first", "channels_last")
    def test_data_formats(self, data_format):
        first = data_format == "channels_first"
        x = keras.Input((6, 8, 8) if first else (8, 8, 6))
        axis = 1 if first else -1
        norm = layers.BatchNormalization(axis=axis, name="norm")
        y = self.gate(norm, GATES, axis=axis)(x)
        for make in (
            layers.AveragePooling2D,
            layers.ZeroPadding2D,
            layers.UpSampling2D,
            layers.Cropping2D,
        ):
            y = make(2, data_format=data_format)(y)
        y = layers.GlobalMaxPooling2D(data_format=data_format)(y)
        small = self.check(x, layers.Dense(2, name="end")(y))
        self.assertEqual(small.get_layer("norm").gamma.shape, (4,))
        self.assertEqual(small.get_layer("end").kernel.shape, (4, 2))

    @parameterized.parameters(0.0, 0.7)
    def test_padding_of_the_channels(self, value):
        x = keras.Input((5, 4, 3))
        y = self.gate(layers.Conv2D(6, 2, name="conv"), GATES)(x)
        padding = ((0, 0), (0, 0), (0, 0), (1, 3))
        y = ops.pad(y, padding, constant_values=value)
        y = layers.Activation("softplus")(y)
        small = self.check(x, layers.Conv2D(2, 2, name="end")(y), conv=4)
        # Constants, hence folded.
        self.assertEqual(small.get_layer("end").kernel.shape, (2, 2, 4, 2))

    @parameterized.parameters("constant", "reflect", "symmetric")
    def test_padding_of_the_positions(self, mode):
        x = keras.Input((5, 4, 3))
        y = self.gate(layers.Conv2D(6, 2, name="conv"), GATES)(x)
        y = layers.Activation("sigmoid")(y)
        y = ops.pad(y, ((0, 0), (1, 1), (2, 1), (0, 0)), mode)
        self.check(x, layers.Conv2D(2, 2)(y), conv=4)

    @parameterized.parameters((0.0, 1), (0.7, 3))
    def test_padding_with_a_constant(self, value, left):
        x = keras.Input((5, 4, 3))
        y = self.gate(
            layers.Conv2D(6, 2, activation="relu", name="conv"), GATES
        )(x)
        padding = ((0, 0), (1, 1), (2, 1), (0, 0))
        y = ops.pad(y, padding, constant_values=value)
        y = self.gate(layers.Activation("sigmoid"), OTHERS)(y)
        # One unit is open behind both gates. Two are 0 inside and `value` at
        # the border: constants only if that is 0, too.
        small = self.check(x, layers.Conv2D(2, 2, name="end")(y))
        self.assertEqual(small.get_layer("end").kernel.shape, (2, 2, left, 2))

    def shuffle(self, y, height, width, channels):
        """Blocks of 2 x 2 channels become pixels."""
        y = ops.reshape(y, (-1, height, width, 2, 2, channels))
        y = ops.transpose(y, (0, 1, 3, 2, 4, 5))
        return ops.reshape(y, (-1, 2 * height, 2 * width, channels))

    def test_pixel_shuffle_read_behind(self):
        # A channel behind the shuffle is read from four before it.
        x = keras.Input((3, 4, 2))
        y = layers.Conv2D(24, 1, activation="gelu", name="conv")(x)
        y = self.shuffle(y, 3, 4, 6)
        y = self.gate(layers.Activation("sigmoid"), GATES)(y)
        small = self.check(x, layers.Conv2D(2, 3, name="end")(y), conv=16)
        self.assertEqual(small.get_layer("end").kernel.shape[2], 4)

    def test_pixel_shuffle_gated_before(self):
        x = keras.Input((3, 4, 2))
        conv = layers.Conv2D(24, 1, activation="gelu", name="conv")
        y = self.shuffle(self.gate(conv, GATES * 4)(x), 3, 4, 6)
        small = self.check(x, layers.Conv2D(2, 3, name="end")(y), conv=16)
        self.assertEqual(small.get_layer("end").kernel.shape[2], 4)

    def test_pixel_shuffle_where_blocks_differ(self):
        # A channel stays if any of its four pixels does.
        x = keras.Input((3, 4, 2))
        conv = layers.Conv2D(24, 1, activation="gelu", name="conv")
        gates = (GATES + OTHERS) * 2
        y = self.shuffle(self.gate(conv, gates)(x), 3, 4, 6)
        small = self.check(x, layers.Conv2D(2, 3, name="end")(y))
        self.assertEqual(small.get_layer("end").kernel.shape[2], 6)

    def test_space_to_depth(self):
        x = keras.Input((4, 6, 2))
        y = self.gate(layers.Conv2D(6, 1, name="conv"), GATES)(x)
        y = ops.reshape(y, (-1, 2, 2, 3, 2, 6))
        y = ops.transpose(y, (0, 1, 3, 2, 4, 5))
        y = ops.reshape(y, (-1, 2, 3, 24))
        small = self.check(x, layers.Conv2D(2, 2, name="end")(y), conv=4)
        self.assertEqual(small.get_layer("end").kernel.shape, (2, 2, 16, 2))

    def test_operations_of_keras_that_shuffle_pixels(self):
        if not hasattr(ops, "depth_to_space"):
            self.skipTest("This Keras has no depth_to_space.")
        x = keras.Input((4, 6, 2))
        y = self.gate(layers.Conv2D(24, 1, name="conv"), GATES * 4)(x)
        y = ops.space_to_depth(ops.depth_to_space(y, 2), 2)
        self.check(x, layers.Conv2D(2, 2)(y), [Barrier.NO_RULE] * 2, conv=16)


if __name__ == "__main__":
    absltest.main()
