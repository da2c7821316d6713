"""Tests of BudgetControl."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.budget.control import BudgetControl
from tests import test_util
from tests.budget import models

Budget = keras_l0.Budget


def control(**options):
    options = {"start": 0.1, "fine_tune": 0.3, **options}
    model = models.gated(models.mlp)
    cost_model = keras_l0.budget.CostModel(model)
    return BudgetControl(Budget(**options), cost_model)


def rms(parts):
    return np.sqrt(np.mean(np.square(np.concatenate(parts))))


class TargetsTest(test_util.TestCase):
    @parameterized.parameters(
        (0.0, 1.0),
        (0.1, 1.0),
        # The way from 0.1 to 0.7 takes 0.8 * 0.6.
        (0.1 + 0.12, 0.85),
        (0.1 + 0.24, 0.7),
        (0.1 + 0.48, 0.4),
        (0.7, 0.4),
        (1.5, 0.4),
    )
    def test_targets_fall_to_the_budget(self, progress, target):
        bound = control(macs=0.4)
        bound.progress.assign(progress)
        self.assertAllClose(bound.targets(), [target])

    def test_each_limit_has_its_own(self):
        bound = control(macs=0.4, params=49)
        bound.progress.assign(0.34)
        self.assertAllClose(bound.targets(), [0.7, 1.0])

    def test_step_moves_on(self):
        bound = control(macs=0.4)
        bound.progress_per_step.assign(0.125)
        for _ in range(2):
            bound.step(tf.constant([0.4]))
        self.assertAllClose(bound.progress, 0.25)


class ConstraintTest(test_util.TestCase):
    def at_the_end(self, **limits):
        bound = control(**limits)
        bound.progress.assign(1.0)
        return bound

    def test_within_the_target_nothing_pulls(self):
        bound = self.at_the_end(macs=0.5)
        bound.integrals.assign([3.0])
        for fraction in (0.5, 0.1):
            cost, strength = bound.constraint(tf.constant([fraction]))
            self.assertEqual((float(cost), float(strength)), (0, 0))

    def test_strength_grows_with_excess_and_time(self):
        bound = self.at_the_end(macs=0.5)
        strengths = []
        for _ in range(3):
            strengths.append(float(bound.constraint(tf.constant([0.6]))[1]))
            bound.step(tf.constant([0.6]))
        # 50 times 0.1 at once, and half of it per step.
        self.assertAllClose(strengths, [5.0, 5.05, 5.1])
        much = float(bound.constraint(tf.constant([0.7]))[1])
        self.assertAllClose(much, 10.15)

    def test_restarts_at_zero(self):
        bound = self.at_the_end(macs=0.5, params=0.5)
        bound.step(tf.constant([0.7, 0.7]))
        self.assertAllClose(bound.integrals, [0.1, 0.1])
        bound.step(tf.constant([0.7, 0.4]))
        self.assertAllClose(bound.integrals, [0.2, 0.0])

    def test_is_limited(self):
        bound = self.at_the_end(macs=0.5)
        bound.integrals.assign([99.99])
        bound.step(tf.constant([0.9]))
        self.assertAllClose(bound.integrals, [100.0])
        self.assertEqual(float(bound.constraint(tf.constant([0.9]))[1]), 100)

    def test_cost_weighs_by_the_multipliers(self):
        bound = self.at_the_end(macs=0.5, params=0.5)
        cost, strength = bound.constraint(tf.constant([0.8, 0.6]))
        self.assertAllClose(strength, 15 + 5)
        self.assertAllClose(cost, 0.75 * 0.8 + 0.25 * 0.6)

    def slope(self, *fractions):
        """Slope of the constraint's cost, both targets being 0.5."""
        bound = self.at_the_end(macs=0.5, params=0.5)
        fractions = tf.constant(fractions)
        with tf.GradientTape() as tape:
            tape.watch(fractions)
            cost, _ = bound.constraint(fractions)
        return tape.gradient(cost, fractions)

    def test_only_limits_above_their_target_have_a_slope(self):
        self.assertAllClose(self.slope(0.8, 0.4), [1.0, 0.0])

    def test_multipliers_are_no_part_of_the_slope(self):
        self.assertAllClose(self.slope(0.8, 0.7), [0.6, 0.4])

    def test_expected_fractions(self):
        bound = control(macs=0.5, params=0.5)
        first, second = bound.cost_model.vectors
        first.logits.assign([50.0] * 2 + [-50.0] * 3)
        second.logits.assign([50.0] + [-50.0] * 3)
        # 3-2-1-1 of 3-5-4-1.
        self.assertAllClose(bound.expected_fractions(), [9 / 39, 13 / 49])


class CombineTest(test_util.TestCase):
    def gradients(self, scale, seed):
        rng = np.random.default_rng(seed)
        parts = [scale * rng.normal(size=n) for n in (5, 4)]
        return [tf.constant(part, tf.float32) for part in parts]

    def test_is_as_large_as_the_loss_at_a_multiplier_of_one(self):
        bound = control(macs=0.5)
        of_loss, of_cost = self.gradients(1e-3, 0), self.gradients(20.0, 1)
        total = bound.combine(of_loss, of_cost, tf.constant(1.0))
        pulls = [a - b for a, b in zip(total, of_loss, strict=True)]
        self.assertAllClose(rms(pulls), rms(of_loss), rtol=1e-4)
        # In the direction of the cost's gradient.
        ratios = np.concatenate(pulls) / np.concatenate(of_cost)
        self.assertAllClose(ratios, np.full(9, ratios[0]), rtol=1e-3)

    def test_strength_is_a_factor(self):
        of_loss, of_cost = self.gradients(1.0, 0), self.gradients(1.0, 1)
        pulls = []
        for strength in (1.0, 3.0):
            total = control(macs=0.5).combine(
                of_loss, of_cost, tf.constant(strength)
            )
            pulls.append(np.concatenate(total) - np.concatenate(of_loss))
        self.assertAllClose(pulls[1], 3 * pulls[0], rtol=1e-4, atol=1e-5)

    def test_squares_are_averaged(self):
        bound = control(macs=0.5)
        one = [tf.ones(5), tf.ones(4)]
        two = [2 * part for part in one]
        bound.combine(one, two, tf.constant(1.0))
        self.assertAllClose(bound.squares, [1.0, 4.0])
        bound.combine(two, one, tf.constant(1.0))
        self.assertAllClose(bound.squares, [0.95 + 0.05 * 4, 0.95 * 4 + 0.05])

    @parameterized.parameters(np.nan, np.inf)
    def test_what_is_not_finite_leaves_the_state_alone(self, wrong):
        for first in (True, False):
            bound = control(macs=0.5)
            one = [tf.ones(5), tf.ones(4)]
            if not first:
                bound.combine(one, one, tf.constant(1.0))
            before = bound.squares.numpy()
            bound.combine([wrong * one[0], one[1]], one, tf.constant(1.0))
            self.assertAllEqual(bound.squares[0], before[0])
            self.assertAllClose(bound.squares[1], 1.0)

    def test_loss_that_says_nothing_leaves_the_pull(self):
        zero, one = [tf.zeros(5), tf.zeros(4)], [tf.ones(5), tf.ones(4)]
        total = control(macs=0.5).combine(zero, one, tf.constant(2.0))
        self.assertAllClose(np.concatenate(total), np.full(9, 2.0))

    def test_strength_of_zero_leaves_the_loss(self):
        of_loss, of_cost = self.gradients(1.0, 0), self.gradients(1.0, 1)
        total = control(macs=0.5).combine(of_loss, of_cost, tf.constant(0.0))
        self.assertAllEqual(np.concatenate(total), np.concatenate(of_loss))


class BudgetControlTest(test_util.TestCase):
    def test_refuses_dependent_gates(self):
        model = models.gated(models.mlp, gate="dependent")
        with self.assertRaisesRegex(
            ValueError, "DependentHardConcrete depend on each other.*gate vec"
        ):
            model.set_budget(Budget(macs=0.5))

    def test_refuses_what_is_out_of_reach(self):
        with self.assertRaises(keras_l0.budget.UnreachableBudgetError):
            control(macs=1)

    def test_is_active_until_gates_are_frozen(self):
        bound = control(macs=0.5)
        self.assertTrue(bound.active)
        bound.cost_model.vectors[0].trainable = False
        self.assertTrue(bound.active)
        bound.cost_model.vectors[1].trainable = False
        self.assertFalse(bound.active)

    def test_state_does_not_train(self):
        bound = control(macs=0.5, params=0.5)
        self.assertEmpty(bound.trainable_variables)
        names = [v.name for v in bound.non_trainable_variables]
        self.assertCountEqual(
            names, ["integrals", "progress", "progress_per_step", "squares"]
        )


if __name__ == "__main__":
    absltest.main()
