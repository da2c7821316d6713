"""Tests of what counts as closed for good."""

import numpy as np
from absl.testing import absltest

import keras_l0
from keras_l0.callbacks.closed_gates import ClosedGates
from keras_l0.surgery.reserve import Limits
from tests import test_util

# Logits of hard concrete gates with probabilities 0.0012, 0.12, 0.40, 0.97 of
# being open; the first two are 0 in inference.
LOGITS = [-8.3, -3.6, -2.0, 2.0]


def vector(logits=LOGITS, gate=None):
    gates = keras_l0.GateVector(gate or keras_l0.gates.HardConcrete(clamp=None))
    gates.build((len(logits),))
    gates.logits.assign(logits)
    return gates


def closed_gates(threshold=0.05, patience=2, limits=None):
    return ClosedGates(threshold, patience, limits or Limits(1))


class ClosedGatesTest(test_util.TestCase):
    def test_gates_must_be_closed_check_after_check(self):
        gates, closed = vector(), closed_gates()
        closed.check([gates])
        self.assertAllEqual(closed.removable(gates), [False] * 4)
        closed.check([gates])
        self.assertAllEqual(closed.removable(gates), [True] + [False] * 3)

    def test_gate_that_opened_in_between_starts_again(self):
        gates, closed = vector(), closed_gates()
        closed.check([gates])
        gates.logits.assign([2.0, *LOGITS[1:]])
        closed.check([gates])
        gates.logits.assign(LOGITS)
        closed.check([gates])
        self.assertFalse(closed.removable(gates).any())

    def test_threshold_is_of_the_probability(self):
        gates = vector()
        for threshold, expected in [(0.001, 0), (0.05, 1), (0.2, 2), (1.0, 2)]:
            closed = closed_gates(threshold, 1)
            closed.check([gates])
            self.assertEqual(closed.removable(gates).sum(), expected)

    def test_frozen_gates_need_no_check(self):
        gates = vector()
        gates.trainable = False
        self.assertAllEqual(
            closed_gates().removable(gates), [True, True, False, False]
        )

    def test_one_unit_stays_the_one_with_the_highest_logit(self):
        gates, closed = vector([-9.0, -8.0, -10.0]), closed_gates(patience=1)
        closed.check([gates])
        self.assertAllEqual(closed.removable(gates), [True, False, True])

    def test_multiples_are_kept(self):
        gates = vector([-9.0, -8.0, -10.0, 2.0, -7.0])
        closed = closed_gates(patience=1, limits=Limits(1, 2))
        closed.check([gates])
        expected = [True, True, True, False, False]
        self.assertAllEqual(closed.removable(gates), expected)

    def test_counts_go_on_elsewhere(self):
        gates, other = vector(), vector()
        closed, going_on = closed_gates(), closed_gates()
        closed.check([gates])
        counts = closed.counts({"first": gates})
        self.assertEqual(counts, {"first": [1, 0, 0, 0]})
        # Vectors of other names or sizes are not those that were counted.
        longer = vector([*LOGITS, 2.0])
        going_on.set_counts(
            {"first": other, "second": gates},
            {**counts, "third": [1], "second": [1] * 5},
        )
        going_on.check([other, gates, longer])
        self.assertAllEqual(going_on.removable(other), [True] + [False] * 3)
        self.assertFalse(going_on.removable(gates).any())

    def test_counts_go_on_after_a_cut(self):
        gates, closed = vector([-9.0, 2.0, -9.0]), closed_gates()
        closed.check([gates])
        smaller = vector([2.0, -9.0])
        closed.moved([(gates, np.array([False, True, True]), smaller)])
        closed.check([smaller])
        self.assertAllEqual(closed.removable(smaller), [False, True])


if __name__ == "__main__":
    absltest.main()
