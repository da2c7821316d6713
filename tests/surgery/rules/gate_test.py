"""Tests of the rules of gates and of the change of axis."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

from keras_l0.graph import Node
from keras_l0.graph import Ref
from keras_l0.graph import Scale
from keras_l0.surgery.alignment import Realign
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.selection import Selection
from tests.surgery.strip_test_case import StripTestCase


def call_of(operation, shape):
    node = Node("op", operation, (Ref(0),), {}, [1], {})
    return Call(node, [shape], [shape])


class ScaleRuleTest(StripTestCase):
    def setUp(self):
        super().setUp()
        gates = np.array([0.0, 0.5, 1.0, 0.25])
        self.call = call_of(Scale("gate", gates, 1), (None, 4))
        self.rule = find_rule(self.call.layer)
        self.known = np.array([False, False, False, True])
        self.x = Channels(1, self.known, np.array([0.0, 0.0, 0.0, 8.0]))

    def test_closed_channels_are_zero_and_constants_are_scaled(self):
        (output,) = self.rule.forward(self.call, [self.x])
        self.assertAllEqual(output.known, [True, False, False, True])
        self.assertAllEqual(output.value, [0.0, 0.0, 0.0, 2.0])

    def test_open_gates_leave_a_factor(self):
        (output,) = self.rule.forward(self.call, [self.x])
        held = Selection(self.x, 3, np.array([0, 1, 2, -1]), np.full(4, 0.5))
        kept = np.array([False, True, True, False])
        step = self.rule.plan(self.call, [held], [output], [kept])
        self.assertIsNone(step.config)
        self.assertTrue(step.adapters[0].is_identity)
        self.assertAllEqual(step.selections[0].scale, [0.0, 0.25, 0.5, 0.125])
        self.assertAllEqual(step.selections[0].position, [0, 1, 2, -1])
        self.assertIs(step.selections[0].channels, output)

    def test_gate_is_followed_along_its_own_axis(self):
        call = call_of(Scale("gate", np.ones(3), 1), (None, 3, 2))
        self.assertEqual(find_rule(call.layer).input_axes(call, [2]), [1])

    def test_gates_commute_with_gates(self):
        self.assertTrue(self.rule.commutes_with_scale(self.call))


class RealignRuleTest(StripTestCase):
    def test_the_tensor_becomes_whole(self):
        call = call_of(Realign(1), (None, 3, 2))
        rule = find_rule(call.layer)
        x = Channels(2, np.array([True, False]), np.array([1.5, 0.0]))
        self.assertEqual(rule.output_axes(call, [2]), [1])
        (output,) = rule.forward(call, [x])
        self.assertEqual((output.axis, output.size), (1, 3))
        self.assertFalse(output.known.any())
        (needed,) = rule.backward(call, [x], [np.array([True, False, False])])
        self.assertAllEqual(needed, [True, True])
        held = Selection.of(x, ~x.known)
        step = rule.plan(call, [held], [output], [np.ones(3, bool)])
        self.assertIsNone(step.config)
        self.assertAllEqual(step.adapters[0].shift, [1.5, 0.0])
        self.assertEqual(step.selections[0].width, 3)

    def test_gate_along_a_row_of_pixels(self):
        x = keras.Input((4, 3))
        conv = self.gate(
            layers.Conv1D(5, 2, activation="relu"), [1, 0, 1, 1, 0]
        )
        rows = self.gate(layers.Identity(), [1, 0, 0.5], axis=1)
        y = layers.Conv1D(2, 1, activation="gelu")(rows(conv(x)))
        small, report = self.strip(self.finish(x, y))
        self.assertEqual(report.layers[0].units_after, 3)

    def test_axis_of_as_many_entries_as_another_one(self):
        # Keras' sum would put the constants of one axis along the other.
        x = keras.Input((3, 3))
        rows = self.gate(
            layers.Dense(3, activation="sigmoid"), [1, 0, 0.5], axis=1
        )
        y = layers.BatchNormalization(axis=1)(rows(x))
        self.strip(self.finish(x, layers.Softmax()(y)))


if __name__ == "__main__":
    absltest.main()
