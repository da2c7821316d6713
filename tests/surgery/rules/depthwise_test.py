"""Tests of the rule of depthwise convolution against Keras' own layers."""

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


class DepthwiseRuleTest(RuleTestCase):
    @parameterized.product(
        padding=("valid", "same"),
        multiplier=(1, 3),
        known=({}, KNOWN, {0: 0.5, 1: 0.4, 2: -0.3, 3: 0.2}),
    )
    def test_one_dimension(self, padding, multiplier, known):
        layer = layers.DepthwiseConv1D(
            2, 1, padding, depth_multiplier=multiplier, activation="sigmoid"
        )
        self.check(layer, self.probe((4, 4), known))

    @parameterized.product(
        options=({"strides": 2}, {"dilation_rate": 2}, {"use_bias": False}),
        padding=("valid", "same"),
        multiplier=(1, 2),
    )
    def test_two_dimensions(self, options, padding, multiplier):
        layer = layers.DepthwiseConv2D(
            2, padding=padding, depth_multiplier=multiplier, **options
        )
        self.check(layer, self.probe((4, 5, 4), KNOWN))

    @parameterized.product(padding=("valid", "same"), use_bias=(False, True))
    def test_channels_first(self, padding, use_bias):
        # Four units are as many as there are pixels in a row of the output,
        # along which Keras would add the bias.
        for layer, shape in (
            (layers.DepthwiseConv1D, (4, 5)),
            (layers.DepthwiseConv2D, (4, 3, 5)),
        ):
            shape = (*shape[:-1], 5 if padding == "valid" else 4)
            layer = layer(
                2,
                padding=padding,
                depth_multiplier=2,
                use_bias=use_bias,
                data_format="channels_first",
            )
            probe = self.probe(shape, KNOWN, axis=1)
            output = self.check(layer, probe)
            self.assertEqual(output.axis, 1)

    def test_softmax_couples_the_channels(self):
        layer = layers.DepthwiseConv1D(
            2, depth_multiplier=2, activation="softmax"
        )
        output = self.check(layer, self.probe((4, 4), KNOWN))
        self.assertFalse(output.divisible)

    @parameterized.parameters(
        ("valid", 3, [True, True, True]),
        ("same", 3, [False, True, False]),
        ("same", 1, [True, True, True]),
    )
    def test_constants_are_known_where_nothing_is_padded(
        self, padding, kernel_size, expected
    ):
        layer = layers.DepthwiseConv2D(kernel_size, padding=padding)
        probe = self.probe((5, 5, 3), {0: 0.7, 1: 0.0, 2: -0.2})
        output = self.check(layer, probe)
        self.assertAllEqual(output.known, expected)

    def test_kernel_of_zeros_is_a_constant(self):
        layer = layers.DepthwiseConv1D(2, padding="same", depth_multiplier=2)
        call = self.call(layer, (4, 2))
        call.weights["kernel"] = np.ones((2, 2, 2)) * [[1, 0], [1, 1]]
        call.weights["bias"] = np.array([0.1, 0.2, 0.3, 0.4])
        probe = self.probe((4, 2))
        (output,) = find_rule(layer).forward(call, [probe.channels])
        self.assertAllEqual(output.known, [False, True, False, False])
        self.assertEqual(output.value[1], 0.2)

    def test_multiplier_is_that_of_the_fullest_channel(self):
        layer = layers.DepthwiseConv1D(2, depth_multiplier=3)
        probe = self.probe((4, 3))
        call, rule = self.call(layer, (4, 3)), find_rule(layer)
        (output,) = rule.forward(call, [probe.channels])
        kept = np.array([1, 0, 1, 0, 0, 0, 0, 1, 0], bool)
        (needed,) = rule.backward(call, [probe.channels], [kept])
        self.assertAllEqual(needed, [True, False, True])
        selection, _ = self._held(probe, needed)
        step = rule.plan(call, [selection], [output], [kept])
        self.assertEqual(step.config, {"depth_multiplier": 2})
        self.assertEqual(step.weights["kernel"].shape, (2, 2, 2))
        self.assertAllEqual(
            step.selections[0].position, [0, -1, 1, -1, -1, -1, -1, 2, -1]
        )

    @parameterized.parameters("linear", "relu", "leaky_relu")
    def test_scaled_weights_scale_the_output(self, activation):
        layer = layers.DepthwiseConv1D(
            2, depth_multiplier=2, activation=activation
        )
        x = self.probe((4, 2)).arrays[:1]
        call = self.call(layer, (4, 2))
        factors = np.array([0.0, 0.3, 1.0, 0.6])
        expected = self.run_layer(layer, x) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        layer.kernel.assign(weights["kernel"])
        layer.bias.assign(weights["bias"])
        self.assertAllClose(self.run_layer(layer, x), expected, rtol=1e-12)

    def test_no_scaled_weights_where_the_activation_bends(self):
        layer = layers.DepthwiseConv1D(2, activation="sigmoid")
        call = self.call(layer, (4, 2))
        self.assertIsNone(find_rule(layer).scaled_weights(call, np.ones(2)))

    def test_bias_along_another_axis_is_a_barrier(self):
        for row, data_format, expected in (
            (6, "channels_first", Barrier.STRAY_BIAS),
            (None, "channels_first", Barrier.STRAY_BIAS),
            (5, "channels_first", None),
            (6, "channels_last", None),
        ):
            layer = layers.DepthwiseConv2D(
                1, depth_multiplier=2, data_format=data_format
            )
            shape = (
                (3, 4, row) if data_format == "channels_first" else (4, 6, 3)
            )
            self.assertEqual(self.barrier(layer, shape), expected)

    @parameterized.product(
        padding=("valid", "same"),
        before=("relu", "sigmoid"),
        multiplier=(1, 2),
    )
    def test_model_loses_units(self, padding, before, multiplier):
        x = keras.Input((None, None, 3))
        first = layers.Conv2D(5, 1, name="first")
        y = self.gate(first, np.array([0, 1, 0.3, 0, 1]))(x)
        y = layers.Activation(before)(y)
        depthwise = layers.DepthwiseConv2D(
            2,
            padding=padding,
            depth_multiplier=multiplier,
            activation="gelu",
            name="depthwise",
        )
        gates = np.array([0, 1, 0.3, 0, 0, 0.7, 1, 0, 0.2, 1])
        y = self.gate(depthwise, gates[: 5 * multiplier])(y)
        y = layers.Conv2D(2, 1, name="last")(y)
        model = self.finish(x, y)
        image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
        small, _ = self.strip(model, image)
        if multiplier == 1:
            self.assertEqual(units(small, "first"), 2)
            self.assertEqual(units(small, "depthwise"), 2)
        else:
            # Channels 1 and 2 keep one output, channel 4 both. Channels 0 and
            # 3 have an open one that is a constant, unless padding cuts it off.
            self.assertEqual(units(small, "first"), 3)
            cut = padding == "same" and before == "sigmoid"
            self.assertEqual(units(small, "depthwise"), 10 if cut else 6)
        self.strip(small, image)

    def test_model_of_channels_first_loses_units(self):
        first = {"data_format": "channels_first"}
        x = keras.Input((3, 6, 5))
        gated = layers.DepthwiseConv2D(2, depth_multiplier=2, **first)
        y = self.gate(gated, np.array([0, 1, 0.3, 0, 0, 0]), axis=1)(x)
        y = layers.Activation("sigmoid")(layers.ZeroPadding2D(1, **first)(y))
        y = layers.UpSampling2D(2, **first)(y)
        gated = layers.SeparableConv2D(
            4, 3, padding="same", name="separable", **first
        )
        y = self.gate(gated, np.array([0, 1, 0.3, 0]), axis=1)(y)
        y = layers.GlobalAveragePooling2D(**first)(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(small.get_layer("separable").filters, 2)

    def test_calls_of_one_layer_agree(self):
        x = keras.Input((4, 5, 3))
        closed = np.array([0, 1, 0.3, 0])
        y = layers.Conv2D(4, 1, activation="relu")(x)
        left = layers.Activation("sigmoid")(
            self.gate(layers.Identity(), closed)(y)
        )
        right = self.gate(layers.Identity(), 1 - closed)(y)
        shared = layers.DepthwiseConv2D(2, padding="same", depth_multiplier=2)
        y = layers.Concatenate()([shared(left), shared(right)])
        open_gates = np.array([0, 1] * 6 + [0, 0, 0.4, 1])
        y = self.gate(layers.Conv2D(16, 1), open_gates)(y)
        self.strip(self.finish(x, layers.Conv2D(2, 1)(y)))


if __name__ == "__main__":
    absltest.main()
