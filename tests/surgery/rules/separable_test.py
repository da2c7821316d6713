"""Tests of the rule of separable convolution against Keras' own layers."""

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


class SeparableRuleTest(RuleTestCase):
    @parameterized.product(
        padding=("valid", "same"),
        multiplier=(1, 3),
        known=({}, KNOWN, {0: 0.5, 1: 0.4, 2: -0.3, 3: 0.2}),
    )
    def test_one_dimension(self, padding, multiplier, known):
        layer = layers.SeparableConv1D(
            3, 2, 1, padding, depth_multiplier=multiplier, activation="sigmoid"
        )
        self.check(layer, self.probe((4, 4), known))

    @parameterized.product(
        options=({"strides": 2}, {"dilation_rate": 2}, {"use_bias": False}),
        padding=("valid", "same"),
        multiplier=(1, 2),
    )
    def test_two_dimensions(self, options, padding, multiplier):
        layer = layers.SeparableConv2D(
            3, 2, padding=padding, depth_multiplier=multiplier, **options
        )
        self.check(layer, self.probe((4, 5, 4), KNOWN))

    @parameterized.product(padding=("valid", "same"), use_bias=(False, True))
    def test_channels_first(self, padding, use_bias):
        # Two filters are as many as there are pixels in a row of the output,
        # along which Keras would add the bias.
        for layer_class, shape in (
            (layers.SeparableConv1D, (4, 2)),
            (layers.SeparableConv2D, (4, 3, 2)),
        ):
            shape = (*shape[:-1], 3 if padding == "valid" else 2)
            layer = layer_class(
                3,
                2,
                padding=padding,
                use_bias=use_bias,
                data_format="channels_first",
            )
            output = self.check(layer, self.probe(shape, KNOWN, axis=1))
            self.assertEqual(output.axis, 1)

    def test_softmax_couples_the_channels(self):
        layer = layers.SeparableConv1D(3, 2, activation="softmax")
        output = self.check(layer, self.probe((4, 4), KNOWN))
        self.assertFalse(output.divisible)

    @parameterized.product(padding=("valid", "same"), multiplier=(1, 2))
    def test_kernels_with_zeros(self, padding, multiplier):
        layer = layers.SeparableConv1D(
            4, 2, padding=padding, depth_multiplier=multiplier
        )
        self.call(layer, (4, 4))
        depthwise = layer.depthwise_kernel.numpy()
        pointwise = layer.pointwise_kernel.numpy()
        depthwise[:, 0, -1] = 0
        pointwise[..., 0] = 0
        pointwise[:, 2:, 1] = 0
        layer.depthwise_kernel.assign(depthwise)
        layer.pointwise_kernel.assign(pointwise)
        self.call = self.built_call
        output = self.check(layer, self.probe((4, 4), {1: 0.4}))
        self.assertTrue(output.known[0])
        if multiplier == 1:
            # Sees channel 1 alone, which is a constant.
            self.assertEqual(output.known[1], padding == "valid")

    def built_call(self, layer, *shapes):
        return super().call(layer, *shapes, widen=False)

    def test_constants_are_folded_where_nothing_is_padded(self):
        known = {i: 0.5 for i in range(4)}
        for padding, expected in (("valid", True), ("same", False)):
            layer = layers.SeparableConv2D(3, 3, padding=padding)
            output = self.check(layer, self.probe((5, 5, 4), known))
            self.assertAllEqual(output.known, [expected] * 3)

    def test_channels_between_that_nobody_sees_are_left_out(self):
        layer = layers.SeparableConv1D(2, 2, depth_multiplier=3)
        probe = self.probe((4, 3), {1: 0.5})
        call, rule = self.call(layer, (4, 3)), find_rule(layer)
        # The kept filter sees two of three outputs of channel 0, and one of
        # channel 2.
        call.weights["pointwise_kernel"][0, :, 0] = [1, 0, 2, 3, 0, 0, 0, 4, 0]
        (output,) = rule.forward(call, [probe.channels])
        kept = np.array([True, False])
        (needed,) = rule.backward(call, [probe.channels], [kept])
        self.assertAllEqual(needed, [True, False, True])
        selection, _ = self._held(probe, needed)
        step = rule.plan(call, [selection], [output], [kept])
        self.assertEqual(
            step.config,
            {"depth_multiplier": 2, "filters": 1, "use_bias": True},
        )
        self.assertAllEqual(
            step.weights["pointwise_kernel"][0, :3, 0], [1, 2, 4]
        )
        # The last of the four, a filler.
        self.assertAllEqual(step.weights["depthwise_kernel"][:, 1, 1], [0, 0])
        self.assertEqual(step.folded, 1)

    @parameterized.parameters("linear", "relu", "leaky_relu")
    def test_scaled_weights_scale_the_output(self, activation):
        layer = layers.SeparableConv1D(3, 2, activation=activation)
        x = self.probe((4, 2)).arrays[:1]
        call, factors = self.call(layer, (4, 2)), np.array([0.0, 0.3, 1.0])
        expected = self.run_layer(layer, x) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        for variable in layer.weights:
            variable.assign(weights[variable.name])
        self.assertAllClose(self.run_layer(layer, x), expected, rtol=1e-12)

    def test_no_scaled_weights_where_the_activation_bends(self):
        layer = layers.SeparableConv1D(2, 1, activation="sigmoid")
        call = self.call(layer, (4, 2))
        self.assertIsNone(find_rule(layer).scaled_weights(call, np.ones(2)))

    def test_bias_along_another_axis_is_a_barrier(self):
        layer = layers.SeparableConv2D(4, 1, data_format="channels_first")
        self.assertEqual(self.barrier(layer, (3, 2, 4)), Barrier.STRAY_BIAS)

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
        separable = layers.SeparableConv2D(
            4,
            2,
            padding=padding,
            depth_multiplier=multiplier,
            activation="gelu",
            name="separable",
        )
        y = self.gate(separable, np.array([0, 1, 0.3, 0]))(y)
        y = layers.Conv2D(2, 1, name="last")(y)
        model = self.finish(x, y)
        image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
        small, _ = self.strip(model, image)
        self.assertEqual(units(small, "first"), 3)
        self.assertEqual(units(small, "separable"), 2)
        cut = padding == "same" and before == "sigmoid"
        kernel = small.get_layer("separable").depthwise_kernel
        self.assertEqual(kernel.shape[-2:], (5 if cut else 3, multiplier))
        self.strip(small, image)


if __name__ == "__main__":
    absltest.main()
