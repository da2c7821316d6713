"""Tests of setting gates to the values that are wanted."""

import math
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0 import gates
from keras_l0.layers import setting
from tests import test_util

FAMILIES = {
    "hard_concrete": gates.HardConcrete,
    "arm": gates.ARM,
    "arm_binary": lambda: gates.ARM(inference="binary"),
    "diff_prune": gates.DiffPrune,
    "straight_through": gates.StraightThrough,
}


def vector(gate, logits):
    made = keras_l0.GateVector(gate)
    made.build((len(logits),))
    made.logits.assign(logits)
    return made


class LogitsAroundTest(test_util.TestCase):
    @parameterized.parameters(
        # sigmoid(logit) * 1.2 - 0.1 is the gate.
        (setting.TINY, -math.log(11)),
        (0.5, 0.0),
        (1.0, math.log(11)),
    )
    def test_hard_concrete(self, level, logit):
        below, above = setting.logits_around(gates.HardConcrete(), level)
        # The gate itself is a float32.
        self.assertLess(below, logit + 1e-5)
        self.assertLess(logit - 1e-5, above)
        self.assertBetween(above - below, 0, 1e-3)

    @parameterized.product(name=tuple(FAMILIES), level=(setting.TINY, 0.5))
    def test_gates_are_on_both_sides(self, name, level):
        gate = FAMILIES[name]()
        around = setting.logits_around(gate, level)
        below, above = gate.deterministic_gate(np.float32(around)).numpy()
        self.assertLess(below, level)
        self.assertGreaterEqual(above, level)
        self.assertBetween(around[1] - around[0], 0, 1e-3)

    @parameterized.parameters((0.7, -16.0), (0.2, 16.0))
    def test_gates_that_no_logit_moves(self, constant, end):
        gate = mock.Mock(spec=gates.Gate)
        gate.deterministic_gate = lambda x: np.full_like(x, constant)
        around = setting.logits_around(gate, 0.5)
        self.assertIn(end, around)
        self.assertAlmostEqual(around[1] - around[0], 1 / 1024)


class SetOpenTest(test_util.TestCase):
    @parameterized.parameters(*FAMILIES)
    def test_gates_are_as_asked(self, name):
        made = vector(FAMILIES[name](), np.linspace(-0.9, 0.9, 6))
        for opened in ([1, 0, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1] * 6):
            setting.set_open(made, np.array(opened, bool))
            self.assertAllEqual(made.deterministic_gate() != 0, opened)

    def test_what_need_not_change_keeps_its_logit(self):
        made = vector("hard_concrete", [-3.0, 0.7, -5.0, 4.0])
        setting.set_open(made, np.array([False, True, True, False]))
        logits = made.logits.numpy()
        self.assertAllEqual(logits[:2], np.float32([-3.0, 0.7]))

    def test_others_move_no_further_than_they_have_to(self):
        made = vector("hard_concrete", [-3.0, 0.7, -5.0, 4.0])
        setting.set_open(made, np.array([False, True, True, False]))
        # Opens at one half, closes at the border, in steps of 0.001.
        self.assertAllClose(
            made.logits[2:], [0.0, -math.log(11)], rtol=0, atol=2e-3
        )

    def test_refuses_gates_that_depend_on_each_other(self):
        dense = keras.layers.Dense(3)
        gated = keras_l0.L0Gate(dense, gates.DependentHardConcrete())
        model = keras.Sequential([keras.Input((2,)), gated])
        model = keras_l0.L0Model.from_model(model)
        found = next(iter(keras_l0.layers.gate_vectors(model).values()))
        before = found.logits.numpy()
        with self.assertRaisesRegex(
            ValueError, "cannot be set one by one.*DependentHardConcrete"
        ):
            setting.set_open(found, np.array([True, False, True]))
        self.assertAllEqual(found.logits, before)


if __name__ == "__main__":
    absltest.main()
