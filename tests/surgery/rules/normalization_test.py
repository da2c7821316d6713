"""Tests of the rules of batch and group normalization."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.selection import Selection
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units


class BatchNormalizationRuleTest(RuleTestCase):
    @parameterized.product(
        center=(True, False),
        scale=(True, False),
        known=({}, {0: 0.7, 2: 0.0}, {0: 0.3, 1: -0.2, 2: 0.0}),
    )
    def test_batch_normalization(self, center, scale, known):
        layer = layers.BatchNormalization(
            center=center, scale=scale, epsilon=0.01
        )
        self.check(layer, self.probe((4, 3), known))

    def test_other_axis(self):
        layer = layers.BatchNormalization(axis=1)
        call = self.call(layer, (4, 3))
        self.assertEqual(find_rule(layer).input_axes(call, [2]), [1])
        self.check(
            layers.BatchNormalization(axis=1),
            self.probe((4, 3), {0: 1.0}, axis=1),
        )

    def test_constant_in_closed_form(self):
        call = self.call(layers.BatchNormalization(epsilon=0.5), (2,))
        call.weights.update(
            gamma=np.array([2.0, 0.0]),
            beta=np.array([0.25, -3.0]),
            moving_mean=np.array([1.0, 7.0]),
            moving_variance=np.array([3.5, 1.0]),
        )
        known = Channels(1, np.array([True, False]), np.array([5.0, 0.0]))
        (output,) = find_rule(call.layer).forward(call, [known])
        # 2 * (5 - 1) / sqrt(3.5 + 0.5) + 0.25; a gamma of 0 leaves beta.
        self.assertAllEqual(output.known, [True, True])
        self.assertAllClose(output.value, [4.25, -3.0], rtol=1e-15)

    def test_pending_factors_go_into_gamma_and_mean(self):
        layer = layers.BatchNormalization()
        call = self.call(layer, (2,))
        channels = Channels.live(1, 2)
        selection = Selection(channels, 2, np.arange(2), np.array([0.5, 1.0]))
        kept = np.ones(2, bool)
        step = find_rule(layer).plan(call, [selection], [channels], [kept])
        self.assertTrue(step.adapters[0].is_identity)
        for name, factor in (("gamma", 0.5), ("moving_mean", 2.0)):
            self.assertAllClose(
                step.weights[name] / call.weights[name], [factor, 1.0]
            )
        for name in ("beta", "moving_variance"):
            self.assertAllEqual(step.weights[name], call.weights[name])

    def test_pending_factors_stay_without_gamma(self):
        layer = layers.BatchNormalization(scale=False)
        call = self.call(layer, (2,))
        channels = Channels.live(1, 2)
        selection = Selection(channels, 2, np.arange(2), np.array([0.5, 1.0]))
        kept = np.ones(2, bool)
        step = find_rule(layer).plan(call, [selection], [channels], [kept])
        self.assertAllEqual(step.adapters[0].scale, [0.5, 1.0])

    def test_closed_channel_that_is_there_is_not_divided_by(self):
        layer = layers.BatchNormalization()
        call = self.call(layer, (2,))
        channels = Channels(1, np.array([True, False]), np.zeros(2))
        selection = Selection(channels, 2, np.arange(2), np.array([0.0, 0.5]))
        kept = np.ones(2, bool)
        step = find_rule(layer).plan(call, [selection], [channels], [kept])
        self.assertAllEqual(step.adapters[0].scale, [0.0, 0.5])
        for name, value in call.weights.items():
            self.assertAllEqual(step.weights[name], value)

    def test_scaled_weights_scale_the_output(self):
        layer = layers.BatchNormalization()
        call, (x, _) = self.call(layer, (3,)), self.probe((3,)).arrays
        factors = np.array([0.0, 0.3, 1.0])
        expected = self.run_layer(layer, [x]) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        for variable in layer.weights:
            variable.assign(weights[variable.name])
        self.assertAllClose(
            self.run_layer(layer, [x]), expected, rtol=1e-12, atol=1e-12
        )

    def test_no_scaled_weights_without_gamma(self):
        layer = layers.BatchNormalization(scale=False)
        call = self.call(layer, (3,))
        self.assertIsNone(find_rule(layer).scaled_weights(call, np.ones(3)))
        self.assertFalse(find_rule(layer).commutes_with_scale(call))

    def test_renormalization_is_a_barrier(self):
        layer = layers.BatchNormalization(renorm=True)
        self.assertEqual(self.barrier(layer, (3,)), Barrier.EXTRA_WEIGHTS)


class GroupNormalizationRuleTest(RuleTestCase):
    @parameterized.product(
        groups=(1, 2, 3, -1),
        known=(
            {},
            {0: 0.7, 1: 0.2},
            {0: 0.7, 1: 0.7, 2: 0.0},
            {0: 0.0, 1: 0.0, 2: 0.0, 4: 1.0},
        ),
        options=({}, {"center": False}, {"scale": False}),
    )
    def test_group_normalization(self, groups, known, options):
        layer = layers.GroupNormalization(groups, **options)
        self.check(layer, self.probe((4, 6), known))

    @parameterized.parameters(((6,), -1, 1), ((6, 2, 3), 1, 1))
    def test_other_shapes(self, shape, axis, place):
        layer = layers.GroupNormalization(3, axis=axis)
        self.check(layer, self.probe(shape, {0: 0.7}, axis=place))

    def test_followed_along_its_own_axis(self):
        layer = layers.GroupNormalization(2, axis=1)
        call = self.call(layer, (4, 3))
        self.assertEqual(find_rule(layer).input_axes(call, [2]), [1])

    def test_constants_in_closed_form(self):
        layer = layers.GroupNormalization(2)
        call = self.call(layer, (4,))
        call.weights["gamma"] = np.array([2.0, 3.0, 0.0, 1.0])
        call.weights["beta"] = np.array([0.25, 2.0, -3.0, 7.0])
        x = self.probe((4,), {0: 0.0, 1: 0.0}).channels
        (output,) = find_rule(layer).forward(call, [x])
        self.assertAllEqual(output.known, [True, True, True, False])
        self.assertAllEqual(output.value, [0.25, 2.0, -3.0, 0.0])

    def test_scaled_weights_scale_the_output(self):
        layer = layers.GroupNormalization(2)
        call, (x, _) = self.call(layer, (4,)), self.probe((4,)).arrays
        factors = np.array([0.0, 0.3, 1.0, 0.2])
        expected = self.run_layer(layer, [x]) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        for variable in layer.weights:
            variable.assign(weights[variable.name])
        self.assertAllClose(
            self.run_layer(layer, [x]), expected, rtol=1e-12, atol=1e-12
        )
        layer = layers.GroupNormalization(2, scale=False)
        call = self.call(layer, (4,))
        self.assertIsNone(find_rule(layer).scaled_weights(call, factors))

    def test_closed_groups_vanish(self):
        x = keras.Input((5, None, 2))
        y = layers.Conv2D(6, 2, name="conv")(x)
        y = self.gate(layers.GroupNormalization(3), [0, 0, 0.4, 1, 0, 0.7])(y)
        y = layers.Activation("gelu")(y)
        y = layers.GlobalAveragePooling2D()(y)
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model, self.rng.normal(size=(3, 5, 4, 2)))
        self.assertEqual(units(small, "conv"), 4)
        self.assertEqual(small.layers[-1].kernel.shape[0], 3)


if __name__ == "__main__":
    absltest.main()
