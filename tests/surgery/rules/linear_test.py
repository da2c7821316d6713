"""Tests of the rules of Dense and convolution against Keras' own layers."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase

KNOWN = {0: 0.7, 2: 0.0, 3: -1.2}


class LinearRuleTest(RuleTestCase):
    @parameterized.product(
        activation=("linear", "relu", "gelu", "sigmoid", "softmax"),
        known=({}, KNOWN, {i: 0.1 * i - 0.2 for i in range(5)}),
        use_bias=(True, False),
    )
    def test_dense(self, activation, known, use_bias):
        layer = layers.Dense(4, activation=activation, use_bias=use_bias)
        self.check(layer, self.probe((5,), known))

    def test_dense_over_several_axes(self):
        self.check(
            layers.Dense(4, activation="tanh"), self.probe((3, 5), KNOWN)
        )

    @parameterized.product(
        padding=("valid", "same", "causal"),
        options=({}, {"dilation_rate": 2}, {"strides": 2}),
        known=({}, KNOWN, {0: 0.5, 1: 0.4, 2: -0.3, 3: 0.0}),
    )
    def test_conv1d(self, padding, options, known):
        layer = layers.Conv1D(
            3, 3, padding=padding, activation="sigmoid", **options
        )
        self.check(layer, self.probe((6, 4), known))

    @parameterized.product(
        padding=("valid", "same"),
        kernel=(1, (2, 3)),
        strides=(1, 2),
        known=(KNOWN, {0: 0.5, 1: 0.4, 2: -0.3, 3: 0.2}),
    )
    def test_conv2d(self, padding, kernel, strides, known):
        layer = layers.Conv2D(3, kernel, strides, padding, activation="relu")
        self.check(layer, self.probe((5, 4, 4), known))

    @parameterized.parameters("valid", "same")
    def test_conv3d(self, padding):
        layer = layers.Conv3D(3, 2, padding=padding, use_bias=False)
        self.check(layer, self.probe((3, 3, 3, 4), KNOWN))

    def test_output_of_constants_is_known_without_padding(self):
        known = {i: 0.5 for i in range(4)}
        for padding, expected in (("valid", True), ("same", False)):
            layer = layers.Conv2D(3, 3, padding=padding)
            output = self.check(layer, self.probe((5, 5, 4), known))
            self.assertAllEqual(output.known, [expected] * 3)

    def test_zeros_are_known_under_padding(self):
        layer = layers.Conv2D(3, 3, padding="same")
        output = self.check(layer, self.probe((5, 5, 2), {0: 0.0, 1: 0.0}))
        self.assertAllEqual(output.known, [True] * 3)

    def test_kernel_of_one_position_is_never_padded(self):
        layer = layers.Conv2D(3, 1, strides=2, padding="same")
        output = self.check(layer, self.probe((5, 5, 2), {0: 0.3, 1: 0.4}))
        self.assertAllEqual(output.known, [True] * 3)

    def test_dead_column_is_a_constant(self):
        layer = layers.Dense(3, activation="sigmoid")
        call = self.call(layer, (2,))
        call.weights["kernel"] = np.array([[0.0, 1, 0], [0, 1, 2]])
        call.weights["bias"] = np.array([0.4, 0.5, 0.6])
        (output,) = find_rule(layer).forward(call, [self.probe((2,)).channels])
        self.assertAllEqual(output.known, [True, False, False])
        self.assertAlmostEqual(output.value[0], 1 / (1 + np.exp(-0.4)), 12)

    def test_constants_become_one_channel_of_ones_under_padding(self):
        layer = layers.Conv1D(2, 3, padding="same")
        probe = self.probe((5, 4), {1: 0.5, 2: 2.0, 3: 0.0})
        call, rule = self.call(layer, (5, 4)), find_rule(layer)
        (output,) = rule.forward(call, [probe.channels])
        kept = np.array([True, True])
        (needed,) = rule.backward(call, [probe.channels], [kept])
        # The live one, and one of the nonzero constants to carry them.
        self.assertAllEqual(needed, [True, True, False, False])
        selection, _ = self._held(probe, needed)
        step = rule.plan(call, [selection], [output], [kept])
        kernel = call.weights["kernel"]
        self.assertEqual(step.weights["kernel"].shape, (3, 2, 2))
        self.assertAllClose(
            step.weights["kernel"][:, 1],
            0.5 * kernel[:, 1] + 2.0 * kernel[:, 2],
        )
        self.assertAllClose(step.weights["bias"], call.weights["bias"])
        self.assertEqual(step.folded, 0)

    def test_constants_become_a_bias_where_there_was_none(self):
        layer = layers.Dense(2, use_bias=False)
        probe = self.probe((3,), {0: 0.5, 1: 2.0})
        call, rule = self.call(layer, (3,)), find_rule(layer)
        (output,) = rule.forward(call, [probe.channels])
        selection, _ = self._held(probe, np.array([False, False, True]))
        step = rule.plan(call, [selection], [output], [np.ones(2, bool)])
        kernel = call.weights["kernel"]
        self.assertAllClose(
            step.weights["bias"], 0.5 * kernel[0] + 2.0 * kernel[1]
        )
        self.assertEqual(step.config, {"units": 2, "use_bias": True})
        self.assertEqual(step.folded, 2)

    @parameterized.parameters("linear", "relu", "leaky_relu")
    def test_scaled_weights_scale_the_output(self, activation):
        layer = layers.Dense(3, activation=activation)
        x = self.probe((4,)).arrays
        call, factors = self.call(layer, (4,)), np.array([0.0, 0.3, 1.0])
        expected = self.run_layer(layer, x[:1]) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        layer.kernel.assign(weights["kernel"])
        layer.bias.assign(weights["bias"])
        self.assertAllClose(
            self.run_layer(layer, x[:1]), expected, rtol=1e-12, atol=1e-12
        )

    @parameterized.parameters("gelu", "sigmoid", "relu6", "softmax")
    def test_no_scaled_weights_where_the_activation_bends(self, activation):
        layer = layers.Dense(3, activation=activation)
        call = self.call(layer, (4,))
        self.assertIsNone(find_rule(layer).scaled_weights(call, np.ones(3)))

    def test_barriers(self):
        dense = layers.Dense(3)
        dense.build((None, 2))
        dense.enable_lora(1)
        self.assertEqual(self.barrier(dense, (2,)), Barrier.EXTRA_WEIGHTS)

    def test_channels_first_is_followed_along_axis_1(self):
        for layer, shape in (
            (layers.Conv1D(3, 2, data_format="channels_first"), (4, 6)),
            (layers.Conv2D(3, 2, data_format="channels_first"), (4, 6, 5)),
        ):
            call = self.call(layer, shape)
            self.assertEqual(find_rule(layer).input_axes(call, [None]), [1])

    @parameterized.parameters("valid", "same")
    def test_conv3d_channels_first(self, padding):
        # Keras runs it on a CPU, other than in one or two dimensions. Three
        # filters are as many as there are pixels in a row, along which Keras
        # would add the bias.
        layer = layers.Conv3D(
            4, 2, padding=padding, data_format="channels_first"
        )
        self.check(
            layer,
            self.probe((4, 2, 2, 3 + (padding == "valid")), KNOWN, axis=1),
            needed=[[True, True, False, True], [True, True, False, False]],
        )

    def test_bias_along_another_axis_is_a_barrier(self):
        for filters, data_format, expected in (
            (4, "channels_first", Barrier.STRAY_BIAS),
            (5, "channels_first", None),
            (4, "channels_last", None),
        ):
            layer = layers.Conv3D(filters, 1, data_format=data_format)
            self.assertEqual(self.barrier(layer, (2, 3, 3, 4)), expected)
        # Of an open size nobody knows whether it will be that of the bias.
        layer = layers.Conv3D(4, 1, data_format="channels_first")
        self.assertEqual(
            self.barrier(layer, (2, 3, 3, None)), Barrier.STRAY_BIAS
        )

    def test_unknown_activation_couples_the_channels(self):
        def center(x):
            return x - keras.ops.mean(x, axis=-1, keepdims=True)

        output = self.check(
            layers.Dense(3, activation=center), self.probe((4,), {0: 1.0})
        )
        self.assertFalse(output.divisible)


if __name__ == "__main__":
    absltest.main()
