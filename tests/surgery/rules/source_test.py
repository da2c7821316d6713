"""Tests of the rule of model inputs."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.graph import Node
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rule import Call
from tests.surgery.strip_test_case import StripTestCase


def call_of(shape):
    layer = layers.InputLayer(batch_shape=shape)
    return Call(Node("x", layer, (), {}, [0], {}), [], [shape])


class InputRuleTest(StripTestCase):
    @parameterized.parameters(
        ((None, 3), 1, 3),
        ((None, 5, 4), 2, 4),
        ((None, 3, None), None, 1),
        ((None,), None, 1),
    )
    def test_nothing_is_known_and_nothing_left_out(self, shape, axis, size):
        call = call_of(shape)
        rule = find_rule(call.layer)
        self.assertIsNone(rule.barrier(call))
        self.assertEqual(rule.output_axes(call, []), [axis])
        (channels,) = rule.forward(call, [])
        self.assertEqual(channels.axis, axis)
        self.assertAllEqual(channels.known, [False] * size)
        needed = np.arange(size) == 0
        self.assertAllEqual(channels.kept(needed), [True] * size)
        self.assertEqual(rule.backward(call, [], [channels.kept(needed)]), [])

    def test_plan_keeps_the_shape(self):
        call = call_of((None, 3))
        rule = find_rule(call.layer)
        (channels,) = rule.forward(call, [])
        step = rule.plan(call, [], [channels], [np.zeros(3, bool)])
        self.assertEqual(step.adapters, {})
        self.assertEqual(step.selections[0].width, 3)
        self.assertAllEqual(step.selections[0].position, [0, 1, 2])

    def test_inputs_that_no_output_needs_stay_inputs(self):
        x, y = keras.Input((3,), name="x"), keras.Input((2,), name="y")
        dead = self.gate(layers.Dense(4, activation="relu"), [0, 0, 0, 0])
        outputs = layers.Add()([layers.Dense(4)(x), dead(y)])
        model = self.finish([x, y], outputs)
        small, _ = self.strip(model)
        self.assertEqual([t.name for t in small.inputs], ["x", "y"])
        self.assertEqual(small.inputs[1].shape, (None, 2))


if __name__ == "__main__":
    absltest.main()
