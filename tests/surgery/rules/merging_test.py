"""Tests of the rules of sums and concatenations."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.selection import Selection
from tests.surgery.rules.rule_test_case import RuleTestCase

KNOWN = (
    {},
    {0: 0.7, 2: -0.4},
    {0: 0.3, 1: 1.2, 2: 0.0, 3: -0.5},
)


def held(known, value=None, there=None):
    """Channels of a vector, and a selection that holds those `there`."""
    known = np.array(known)
    value = np.zeros(known.size) if value is None else np.array(value)
    channels = Channels(1, known, value)
    there = ~known if there is None else np.array(there)
    return channels, Selection.of(channels, there)


class AddRuleTest(RuleTestCase):
    @parameterized.product(first=KNOWN, second=KNOWN)
    def test_two_branches(self, first, second):
        shape = (3, 4)
        self.check(
            layers.Add(), self.probe(shape, first), self.probe(shape, second)
        )

    def test_three_branches(self):
        self.check(layers.Add(), *(self.probe((4,), known) for known in KNOWN))

    def test_other_axis(self):
        probes = [self.probe((4, 4), known, axis=1) for known in KNOWN[1:]]
        self.check(layers.Add(), *probes)

    def plan(self, channels, selections, kept=None):
        call = self.call(layers.Add(), *[(c.size,) for c in channels])
        rule = find_rule(call.layer)
        (output,) = rule.forward(call, channels)
        kept = np.ones(output.size, bool) if kept is None else np.array(kept)
        return rule.plan(call, selections, [output], [kept])

    def test_constant_branch_disappears(self):
        live, live_selection = held([False, False])
        constant, gone = held([True, True], [0.5, 0.0])
        step = self.plan([constant, live], [gone, live_selection])
        self.assertEqual(list(step.adapters), [1])
        self.assertIsNone(step.config)  # nothing is left to add
        self.assertAllEqual(step.adapters[1].shift, [0.5, 0.0])
        self.assertEqual(step.folded, 1)

    def test_union_of_what_the_branches_keep(self):
        first, first_selection = held([False, True, True])
        second, second_selection = held([True, True, False], [3.0, 0.0, 0.0])
        call = self.call(layers.Add(), (3,), (3,))
        (output,) = find_rule(call.layer).forward(call, [first, second])
        self.assertAllEqual(output.known, [False, True, False])
        step = self.plan(
            [first, second],
            [first_selection, second_selection],
            [True, False, True],
        )
        self.assertEqual(step.selections[0].width, 2)
        self.assertAllEqual(step.adapters[0].positions, [0, -1])
        self.assertAllEqual(step.adapters[1].positions, [-1, 0])
        self.assertAllEqual(step.adapters[1].shift, [3.0, 0.0])

    def test_sum_of_constants_only_is_carried_by_what_is_there(self):
        # Somebody else needs channel 0 of the first branch; the sum is needed
        # for its constant only.
        first, first_selection = held([False, True], [0.0, 0.25])
        second, gone = held([True, True], [0.0, 0.5])
        step = self.plan(
            [first, second], [first_selection, gone], [False, True]
        )
        self.assertEqual(list(step.adapters), [0])
        self.assertAllEqual(step.adapters[0].shift, [0.75])

    def test_shapes_that_differ_are_a_barrier(self):
        for shapes in (((3, 4), (1, 4)), ((3, 4), (4,))):
            self.assertEqual(
                self.barrier(layers.Add(), *shapes), Barrier.BROADCASTING
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


if __name__ == "__main__":
    absltest.main()
