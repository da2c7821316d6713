"""Shapes, data formats and modes of running."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

import keras_l0
from tests.surgery.strip_test_case import StripTestCase

GATES = [0, 1, 0.3, 0, 0.8]


class ShapesTest(StripTestCase):
    def test_open_spatial_shape(self):
        x = keras.Input((None, None, 3))
        conv = layers.Conv2D(5, 3, padding="same", activation="softplus")
        y = layers.MaxPooling2D()(self.gate(conv, GATES)(x))
        y = layers.Conv2D(4, 3, padding="same")(layers.Activation("sigmoid")(y))
        y = self.gate(layers.GlobalAveragePooling2D(), [1, 0, 0.3, 1])(y)
        model = self.finish(x, layers.Dense(2)(y))
        for shape in ((2, 7, 5, 3), (1, 4, 9, 3)):
            self.strip(model, self.rng.normal(size=shape))

    def test_fixed_batch(self):
        x = keras.Input(batch_shape=(1, 6, 4))
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(x)
        y = layers.Flatten()(layers.LayerNormalization()(y))
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model, self.rng.normal(size=(1, 6, 4)))
        self.assertEqual(small.input_shape, (1, 6, 4))

    def test_one_unit_and_one_position(self):
        x = keras.Input((1, 1, 1))
        y = self.gate(layers.Conv2D(1, 1, activation="sigmoid"), [0.3])(x)
        y = layers.Flatten()(layers.BatchNormalization()(y))
        self.strip(self.finish(x, layers.Dense(1)(y)))

    def test_channels_first(self):
        # Keras has no channels-first convolution for a CPU; the rest it has.
        keras.config.set_image_data_format("channels_first")
        x = keras.Input((5, 6, 6))
        y = self.gate(layers.MaxPooling2D(), GATES, axis=1)(x)
        y = layers.BatchNormalization(axis=1)(y)
        y = self.gate(layers.AveragePooling2D(2, 1), [1, 0, 1, 0, 0.3], axis=1)(
            y
        )
        ends = [
            layers.Dense(2, name="flat")(layers.Flatten()(y)),
            layers.Dense(2, name="mean")(layers.GlobalAveragePooling2D()(y)),
        ]
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(small.get_layer("flat").kernel.shape[0], 4 * 2)
        self.assertEqual(small.get_layer("mean").kernel.shape[0], 2)

    def test_channels_first_convolutions_are_cut_as_channels_last_ones(self):
        def network(data_format):
            first = data_format == "channels_first"
            x = keras.Input((3, 9, 8) if first else (9, 8, 3))
            options = {"data_format": data_format}
            conv = layers.Conv2D(5, 3, activation="sigmoid", **options)
            gated = keras_l0.L0Gate(conv, axis=1 if first else -1)
            y = layers.MaxPooling2D(**options)(gated(x))
            y = layers.Conv2D(4, 2, activation="relu", **options)(y)
            y = layers.Flatten(**options)(y)
            model = keras.Model(x, layers.Dense(2)(y))
            gated.gate_vector.logits.assign([-4.0, 4.0, 0.3, -4.0, 1.0])
            return model

        last, first = network("channels_last"), network("channels_first")
        self.fill(last)
        for a, b in zip(last.weights, first.weights, strict=True):
            b.assign(a)
        small_last, small_first = (
            keras_l0.strip_gates(m) for m in (last, first)
        )
        for a, b in zip(small_last.weights, small_first.weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())

    def test_channels_first_filters_as_many_as_pixels_in_a_row(self):
        # Keras would add the bias along the row of pixels: four filters of
        # five are left, on rows of four.
        keras.config.set_image_data_format("channels_first")
        x = keras.Input((2, 2, 2, 4))
        conv = layers.Conv3D(5, 1, name="conv")
        y = self.gate(conv, [1, 0, 1, 0.3, 1], axis=1)(x)
        y = layers.Dense(2)(layers.Flatten()(y))
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(small.get_layer("conv").filters, 5)


class StochasticTest(StripTestCase):
    def test_dropout_and_statistics_still_train(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="relu"), GATES)(x)
        y = layers.Dropout(0.5, seed=3)(layers.BatchNormalization()(y))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        data = self.rng.normal(size=(64, 4))
        norm = next(
            la
            for la in small.layers
            if isinstance(la, layers.BatchNormalization)
        )
        before = norm.moving_mean.numpy()
        first, second = (np.array(small(data, training=True)) for _ in range(2))
        self.assertNotAllClose(first, second)
        self.assertNotAllClose(before, norm.moving_mean.numpy())

    def test_per_example_gates(self):
        x = keras.Input((4,))
        layer = layers.Dense(5, activation="gelu")
        y = self.gate(layer, GATES, noise_shape=(None, 5))(x)
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(report.layers[0].units_after, 3)

    def test_compiled(self):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 3, padding="same"), GATES)(x)
        y = layers.Activation("sigmoid")(y)
        y = layers.Flatten()(layers.Conv1D(3, 3, padding="same")(y))
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model)
        data = self.rng.normal(size=(5, 6, 4)).astype("float32")
        expected = model.predict(data, verbose=0)
        small.compile(jit_compile=True)
        actual = small.predict(data, verbose=0)
        # `predict` casts its inputs to float32, the networks compute in
        # float64; XLA adds in another order.
        scale = np.abs(expected).max()
        self.assertAllClose(actual, expected, rtol=0, atol=1e-10 * scale)


if __name__ == "__main__":
    absltest.main()
