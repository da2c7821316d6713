"""Tests of the interface of strip rules and its defaults."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

import keras_l0
from keras_l0.graph import Node
from keras_l0.graph import Ref
from keras_l0.surgery import Barrier
from keras_l0.surgery import registry
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import units


def call_of(inputs=1, outputs=1):
    refs = tuple(Ref(i) for i in range(inputs))
    numbers = list(range(inputs, inputs + outputs))
    node = Node("op", object(), refs, {}, numbers, {"w": np.ones(1)})
    return Call(node, [(None, 3)] * inputs, [(None, 3)] * outputs)


class CallTest(StripTestCase):
    def test_shows_the_node(self):
        call = call_of()
        self.assertIs(call.layer, call.node.operation)
        self.assertIs(call.weights, call.node.weights)


class StripRuleTest(StripTestCase):
    def setUp(self):
        super().setUp()
        self.rule, self.call = StripRule(), call_of()
        self.x = Channels(1, np.array([True, False, False]), np.full(3, 0.5))

    def test_one_input_and_one_output(self):
        self.assertIsNone(self.rule.barrier(self.call))
        for call in (call_of(2, 1), call_of(1, 2)):
            self.assertEqual(self.rule.barrier(call), Barrier.EXTRA_INPUTS)

    def test_defaults_are_those_of_the_identity(self):
        self.assertEqual(self.rule.input_axes(self.call, [2, 1]), [2, 2])
        self.assertEqual(self.rule.output_axes(self.call, [2]), [2])
        (output,) = self.rule.forward(self.call, [self.x])
        self.assertAllEqual(output.known, self.x.known)
        self.assertAllEqual(output.value, self.x.value)
        kept = np.array([False, True, False])
        (needed,) = self.rule.backward(self.call, [self.x], [kept])
        self.assertAllEqual(needed, kept)
        self.assertFalse(self.rule.commutes_with_scale(self.call))
        self.assertIsNone(self.rule.scaled_weights(self.call, np.ones(3)))

    def test_forward_follows_the_output_axis(self):
        class Moves(StripRule):
            def output_axes(self, call, axes):
                return [2]

        (output,) = Moves().forward(self.call, [self.x])
        self.assertEqual(output.axis, 2)

    def test_plan_applies_pending_factors(self):
        held = Selection(
            self.x, 2, np.array([-1, 0, 1]), np.array([1.0, 0.5, 1.0])
        )
        kept = np.array([True, True, False])
        step = self.rule.plan(self.call, [held], [self.x], [kept])
        self.assertAllEqual(step.adapters[0].positions, [-1, 0])
        self.assertAllEqual(step.adapters[0].scale, [1.0, 0.5])
        self.assertEqual(step.selections[0].width, 2)

    def test_plan_passes_pending_factors_where_they_commute(self):
        class Commutes(StripRule):
            def commutes_with_scale(self, call):
                return True

        held = Selection(
            self.x, 2, np.array([-1, 0, 1]), np.array([1.0, 0.5, 1.0])
        )
        kept = np.array([False, True, False])
        step = Commutes().plan(self.call, [held], [self.x], [kept])
        self.assertTrue(step.adapters[0].is_identity)
        self.assertAllEqual(step.selections[0].scale, held.scale)


@keras.saving.register_keras_serializable("tests")
class Doubled(layers.Layer):
    """Twice the input: what a user may teach."""

    def call(self, inputs):
        return 2.0 * inputs

    def compute_output_shape(self, input_shape):
        return input_shape


class DoubledRule(StripRule):
    def forward(self, call, inputs):
        (x,) = inputs
        return [Channels(x.axis, x.known, 2.0 * x.value)]

    def commutes_with_scale(self, call):
        return True


class RegisteredRuleTest(StripTestCase):
    def model(self):
        x = keras.Input((3,))
        y = layers.Dense(4, activation="sigmoid", name="first")(x)
        y = self.gate(layers.Activation("softplus"), [1, 0, 0.5, 0])(y)
        return self.finish(x, layers.Dense(2)(Doubled(name="own")(y)))

    def test_without_a_rule_the_layer_is_a_barrier(self):
        small, report = self.strip(self.model())
        (barrier,) = report.barriers
        self.assertEqual(
            (barrier.name, barrier.layer, barrier.reason),
            ("own", "Doubled", Barrier.NO_RULE),
        )
        self.assertEqual(units(small, "own"), 4)

    def test_with_a_rule_units_are_followed_through_it(self):
        self.addCleanup(registry._RULES.pop, Doubled)
        keras_l0.surgery.register_strip_rule(Doubled)(DoubledRule)
        small, report = self.strip(self.model())
        self.assertEqual(report.barriers, ())
        self.assertEqual(units(small, "own"), 2)


if __name__ == "__main__":
    absltest.main()
