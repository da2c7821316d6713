"""Tests of the rule of transposed convolution against Keras' own layers."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KNOWN = {0: 0.7, 2: 0.0, 3: -1.2}
ALL_KNOWN = {0: 0.5, 1: 0.4, 2: -0.3, 3: 0.2}


class TransposedRuleTest(RuleTestCase):
    @parameterized.product(
        padding=("valid", "same"),
        options=(
            {},
            {"strides": 2},
            {"strides": 3, "output_padding": 1},
        ),
        known=(KNOWN, ALL_KNOWN),
    )
    def test_one_dimension(self, padding, options, known):
        layer = layers.Conv1DTranspose(
            3, 2, padding=padding, activation="sigmoid", **options
        )
        self.check(layer, self.probe((3, 4), known))

    @parameterized.product(
        padding=("valid", "same"),
        kernel=(1, (2, 3)),
        strides=(1, 2),
        known=({}, KNOWN, ALL_KNOWN),
    )
    def test_two_dimensions(self, padding, kernel, strides, known):
        layer = layers.Conv2DTranspose(3, kernel, strides, padding)
        output = self.check(layer, self.probe((3, 2, 4), known))
        # Constants spread evenly over the output by a single position alone.
        evenly = kernel == strides == 1 and known is ALL_KNOWN
        self.assertAllEqual(output.known, [evenly] * 3)

    @parameterized.parameters("channels_first", "channels_last")
    def test_three_dimensions(self, data_format):
        layer = layers.Conv3DTranspose(
            3, 2, use_bias=False, data_format=data_format
        )
        shape, axis = (2, 2, 2, 4), 4
        if data_format == "channels_first":
            # TensorFlow has no kernel for it on a CPU.
            call = self.call(layer, (4, 2, 2, 2))
            self.assertEqual(find_rule(layer).input_axes(call, [4]), [1])
            return
        needed = [np.array([True, False, True])]
        self.check(layer, self.probe(shape, KNOWN, axis), needed=needed)

    def test_zeros_are_known(self):
        layer = layers.Conv2DTranspose(3, 3, strides=2, padding="same")
        output = self.check(layer, self.probe((2, 3, 2), {0: 0.0, 1: 0.0}))
        self.assertAllEqual(output.known, [True] * 3)

    @parameterized.parameters("linear", "relu", "leaky_relu")
    def test_scaled_weights_scale_the_output(self, activation):
        layer = layers.Conv1DTranspose(3, 2, activation=activation)
        x = self.probe((4, 2)).arrays[:1]
        call, factors = self.call(layer, (4, 2)), np.array([0.0, 0.3, 1.0])
        expected = self.run_layer(layer, x) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        layer.kernel.assign(weights["kernel"])
        layer.bias.assign(weights["bias"])
        self.assertAllClose(self.run_layer(layer, x), expected, rtol=1e-12)

    def test_bias_along_another_axis_is_a_barrier(self):
        layer = layers.Conv2DTranspose(
            4, 2, strides=2, data_format="channels_first"
        )
        self.assertEqual(self.barrier(layer, (3, 2, 2)), Barrier.STRAY_BIAS)
        self.assertIsNone(self.barrier(layer, (3, 2, 3)))

    @parameterized.product(
        padding=("valid", "same"), before=("relu", "sigmoid"), strides=(1, 2)
    )
    def test_model_loses_units(self, padding, before, strides):
        x = keras.Input((None, None, 3))
        first = layers.Conv2D(5, 1, name="first")
        y = self.gate(first, np.array([0, 1, 0.3, 0, 1]))(x)
        y = layers.Activation(before)(y)
        transposed = layers.Conv2DTranspose(
            4, 3, strides, padding, activation="gelu", name="transposed"
        )
        y = self.gate(transposed, np.array([0, 1, 0.3, 0]))(y)
        y = layers.Conv2D(2, 1, name="last")(y)
        model = self.finish(x, y)
        image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
        small, _ = self.strip(model, image)
        self.assertEqual(units(small, "first"), 3)
        self.assertEqual(units(small, "transposed"), 2)
        # Closed units are constants after the sigmoid: one channel of ones.
        kernel = small.get_layer("transposed").kernel
        self.assertEqual(kernel.shape[-1], 3 if before == "relu" else 4)
        self.strip(small, image)


if __name__ == "__main__":
    absltest.main()
