"""Tests of the rule of concatenations."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.operation_test_case import OperationTestCase
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.rules.rule_test_case import held

KNOWN = (
    {},
    {0: 0.7, 2: -0.4},
    {0: 0.3, 1: 1.2, 2: 0.0, 3: -0.5},
)


class ConcatenateRuleTest(RuleTestCase):
    @parameterized.product(first=KNOWN, second=KNOWN)
    def test_along_the_channels(self, first, second):
        self.check(
            layers.Concatenate(),
            self.probe((3, 4), first),
            self.probe((3, 5), second),
        )

    @parameterized.product(first=KNOWN, second=KNOWN)
    def test_along_another_axis(self, first, second):
        self.check(
            layers.Concatenate(axis=1),
            self.probe((3, 4), first),
            self.probe((2, 4), second),
        )

    def test_same_constant_in_all_parts_stays_known(self):
        output = self.check(
            layers.Concatenate(axis=1),
            self.probe((3, 3), {0: 0.5, 1: 0.5, 2: 1.0}),
            self.probe((2, 3), {0: 0.5, 1: 0.4}),
        )
        self.assertAllEqual(output.known, [True, False, False])

    def test_channels_on_axis_1(self):
        self.check(
            layers.Concatenate(axis=1),
            self.probe((4, 3), KNOWN[1], axis=1),
            self.probe((2, 3), {1: 0.2}, axis=1),
        )

    def test_parts_that_hold_nothing_disappear(self):
        first, gone = held([True, True], [0.5, 0.0])
        second, second_selection = held([False, True], [0.0, 2.0])
        call = self.call(layers.Concatenate(), (2,), (2,))
        rule = find_rule(call.layer)
        (output,) = rule.forward(call, [first, second])
        kept = np.array([False, False, True, False])
        step = rule.plan(call, [gone, second_selection], [output], [kept])
        self.assertEqual(list(step.adapters), [1])
        self.assertIsNone(step.config)
        self.assertAllEqual(step.selections[0].position, [-1, -1, 0, -1])

    def test_ranks_that_differ_are_a_barrier(self):
        call = self.call(layers.Concatenate(), (3,), (2,))
        call.input_shapes[1] = (None, 2, 2)
        self.assertEqual(
            find_rule(call.layer).barrier(call), Barrier.BROADCASTING
        )


class OperationTest(OperationTestCase):
    @parameterized.named_parameters(
        ("concatenate", lambda y: ops.concatenate([y, ops.tanh(y)], -1)),
        ("concatenate_rows", lambda y: ops.concatenate([y, y + 1.0], 1)),
    )
    def test_operation(self, function):
        self.strips(function)


if __name__ == "__main__":
    absltest.main()
