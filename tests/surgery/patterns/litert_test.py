"""Stripped patterns on LiteRT: builtin operations, the gated model's outputs.

`export_litert` raises if an output is off by more than 1e-4 of its scale, or
if an operation is not a builtin one.
"""

import os

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

import keras_l0
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class LitertTest(PatternTestCase):
    policy = "float32"

    def export(self, model, **kwargs):
        folder = self.create_tempdir().full_path
        path = os.path.join(folder, "model.tflite")
        return keras_l0.export_litert(model, path, **kwargs)

    def check_export(self, model, *, tolerance=1e-4, **kwargs):
        result = self.export(model, **kwargs)
        scale = result.max_reference
        self.assertGreater(scale, 1e-2)
        self.assertLess(result.max_difference, tolerance * scale)

    def test_residual_image_network(self):
        x = keras.Input((6, 6, 3))
        y = self.gate(layers.Conv2D(6, 3, padding="same"), GATES)(x)
        y = layers.Activation("sigmoid")(y)
        z = layers.DepthwiseConv2D(3, padding="same")(y)
        z = self.gate(layers.BatchNormalization(), OTHERS)(z)
        z = layers.Conv2D(6, 3, padding="same", groups=3)(layers.ReLU()(z))
        y = layers.Add()([y, self.gate(layers.Identity(), OTHERS)(z)])
        left, right = ops.split(y, 2, axis=-1)
        y = layers.Concatenate()(
            [right, layers.UpSampling2D()(layers.AveragePooling2D(2)(left))]
        )
        y = layers.LayerNormalization()(y)
        y = layers.Conv2DTranspose(2, 3, 2)(y)
        self.check_export(self.finish(x, y))

    @parameterized.parameters(None, 5)
    def test_transformer_block(self, steps):
        x = keras.Input((steps, 6))
        y = layers.LayerNormalization()(x)
        attention = layers.MultiHeadAttention(4, 3)
        y = self.gate(attention, [0.4, 0, 1, 0], on="heads")(y, value=y)
        y = layers.Add()([x, y])
        z = self.gate(layers.Dense(6, "gelu"), GATES)(y)
        y = layers.Add()([y, layers.Dense(6)(z)])
        y = layers.GlobalAveragePooling1D()(y)
        probe = self.rng.normal(size=(4, 5, 6))
        self.check_export(self.finish(x, layers.Dense(2)(y)), probe=probe)

    def recurrent(self, kind, batch_size=None, **kwargs):
        x = keras.Input(batch_shape=(batch_size, 4, 3))
        both = layers.Bidirectional(kind(6, return_sequences=True, **kwargs))
        y = self.gate(both, OTHERS + GATES)(x)
        y = self.gate(kind(6, **kwargs), GATES)(y)
        return self.finish(x, layers.Dense(2)(y))

    @parameterized.product(
        kind=(layers.SimpleRNN, layers.GRU, layers.LSTM),
        options=({"batch_size": 1}, {"unroll": True}),
    )
    def test_recurrent_layers(self, kind, options):
        self.check_export(self.recurrent(kind, **options))

    @parameterized.parameters(layers.GRU, layers.LSTM)
    def test_recurrent_layers_with_an_open_batch_are_refused(self, kind):
        with self.assertRaisesRegex(RuntimeError, "`unroll=True`"):
            self.export(self.recurrent(kind))

    def test_loop_is_refused_for_int8(self):
        # LiteRT's calibration of a loop ends the whole process.
        data = np.ones((3, 4, 3), "float32")
        with self.assertRaisesRegex(RuntimeError, "holds a loop"):
            self.export(
                self.recurrent(layers.LSTM, batch_size=1),
                quantize="int8",
                calibration_data=data,
            )

    def test_unrolled_recurrent_layer_for_int8(self):
        data = self.rng.normal(size=(40, 4, 3)).astype("float32")
        # int8 has 256 steps over the range of each tensor.
        self.check_export(
            self.recurrent(layers.LSTM, unroll=True),
            tolerance=0.1,
            quantize="int8",
            calibration_data=data,
        )


if __name__ == "__main__":
    absltest.main()
