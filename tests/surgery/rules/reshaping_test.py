"""Tests of the rule of Flatten."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.selection import Selection
from tests.surgery.rules.rule_test_case import RuleTestCase


class FlattenRuleTest(RuleTestCase):
    @parameterized.parameters((3,), (5, 3), (2, 4, 3), (2, 2, 2, 3))
    def test_last_axis(self, *shape):
        output = self.check(
            layers.Flatten(), self.probe(shape, {0: 0.7, 2: -0.4})
        )
        self.assertEqual(output.axis, 1)
        self.assertAllEqual(
            output.known, np.tile([True, False, True], output.size // 3)
        )

    @parameterized.product(
        axis=(1, 2, 3), data_format=("channels_last", "channels_first")
    )
    def test_any_axis(self, axis, data_format):
        layer = layers.Flatten(data_format)
        self.check(layer, self.probe((2, 4, 3), {1: 0.7}, axis=axis))

    def test_places_in_closed_form(self):
        # Channels 0 and 2 of [2 pixels, 3 channels] are there.
        channels = Channels(2, np.array([False, True, False]), np.zeros(3))
        selection = Selection.of(channels, ~channels.known)
        call = self.call(layers.Flatten(), (2, 3))
        rule = find_rule(call.layer)
        (output,) = rule.forward(call, [channels])
        step = rule.plan(call, [selection], [output], [np.ones(6, bool)])
        self.assertAllEqual(step.selections[0].position, [0, -1, 1, 2, -1, 3])
        self.assertEqual(step.selections[0].width, 4)

    def test_open_shape_is_a_barrier(self):
        self.assertEqual(
            self.barrier(layers.Flatten(), (None, 3)), Barrier.DYNAMIC_SHAPE
        )
        self.assertEqual(
            self.barrier(layers.Flatten(), ()), Barrier.DYNAMIC_SHAPE
        )

    def test_commutes_with_factors(self):
        layer = layers.Flatten()
        call = self.call(layer, (2, 3))
        self.assertTrue(find_rule(layer).commutes_with_scale(call))

    def test_tensor_that_nobody_follows_is_followed_along_the_last_axis(self):
        rule = find_rule(layers.Flatten())
        call = self.call(layers.Flatten(), (2, 3))
        self.assertEqual(rule.input_axes(call, [None]), [2])
        self.assertEqual(rule.input_axes(call, [1]), [1])


if __name__ == "__main__":
    absltest.main()
