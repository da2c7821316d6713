"""Tests of the choice of gates for a budget."""

import numpy as np
from absl import logging
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.budget import choice
from tests import test_util
from tests.budget import models

Budget = keras_l0.Budget


def rounded(number, size, min_units, round_to):
    """`number` as a multiple of `round_to`, from `min_units` to `size`."""
    multiples = [*range(round_to, size, round_to), size]
    return min(m for m in multiples if m >= max(number, min_units))


def best_of(part, number):
    """The `number` highest entries of `part`."""
    return part >= np.sort(part)[::-1][number - 1]


def case(seed, min_units, round_to):
    """Random logits, and a limit on a cost that grows with every gate."""
    rng = np.random.default_rng(seed)
    logits = [rng.normal(size=n) for n in rng.integers(6, 11, size=3)]
    prices = rng.uniform(0.5, 2.0, sum(part.size for part in logits))
    limit = rng.uniform(0.6, 0.95) * prices.sum()
    budget = Budget(macs=0.5, min_units=min_units, round_to=round_to)
    return logits, budget, lambda gates: prices[gates].sum() <= limit


class ChooseGatesTest(test_util.TestCase):
    @parameterized.product(
        seed=(0, 1, 2, 3), min_units=(1, 2), round_to=(1, 2, 3)
    )
    def test_is_the_best_of_all_thresholds_and_full(
        self, seed, min_units, round_to
    ):
        logits, budget, fits = case(seed, min_units, round_to)

        def at(level):
            numbers = [(part >= level).sum() for part in logits]
            return [
                best_of(part, rounded(n, part.size, min_units, round_to))
                for part, n in zip(logits, numbers, strict=True)
            ]

        levels = [np.inf, *np.sort(np.concatenate(logits))[::-1]]
        fitting = [at(v) for v in levels if fits(np.concatenate(at(v)))]
        opened = choice.choose_gates(logits, budget, fits)
        self.assertTrue(fits(np.concatenate(opened)))
        for part, flags, least in zip(logits, opened, fitting[-1], strict=True):
            # All that the threshold opens; always the highest; in multiples.
            self.assertTrue(flags[least].all())
            number = flags.sum()
            self.assertAllEqual(flags, best_of(part, number))
            self.assertEqual(
                number, rounded(number, part.size, min_units, round_to)
            )
        for place, flags in enumerate(opened):
            number = flags.sum() + round_to
            if flags.all():
                continue
            more = list(opened)
            number = min(number, flags.size)
            more[place] = best_of(logits[place], number)
            self.assertFalse(fits(np.concatenate(more)))

    def test_more_room_opens_more(self):
        logits, budget, _ = case(5, 1, 1)
        sizes = []
        for limit in range(3, sum(part.size for part in logits) + 1):
            opened = choice.choose_gates(
                logits, budget, lambda gates, most=limit: gates.sum() <= most
            )
            sizes.append(np.concatenate(opened).sum())
            self.assertEqual(sizes[-1], limit)

    def test_equal_logits_open_as_far_as_they_fit(self):
        logits = [np.zeros(4), np.zeros(3)]
        opened = choice.choose_gates(
            logits, Budget(macs=0.5), lambda gates: gates.sum() <= 4
        )
        self.assertEqual(np.concatenate(opened).sum(), 4)
        self.assertTrue(all(part.any() for part in opened))

    def test_nothing_fits(self):
        logits, budget, _ = case(1, 2, 1)
        opened = choice.choose_gates(logits, budget, lambda gates: False)
        for part, flags in zip(logits, opened, strict=True):
            self.assertAllEqual(flags, best_of(part, 2))

    def test_everything_fits(self):
        logits, budget, _ = case(1, 1, 3)
        opened = choice.choose_gates(logits, budget, lambda gates: True)
        self.assertTrue(np.concatenate(opened).all())


class CheckReachableTest(test_util.TestCase):
    def cost_model(self):
        # 3-5-4-1: 20 + 24 + 5 weights.
        return keras_l0.budget.CostModel(models.gated(models.mlp))

    def test_least_is_one_unit_each(self):
        # 3-1-1-1: 4 + 2 + 2 weights, and 3 + 1 + 1 multiplications.
        cost_model = self.cost_model()
        for kind, least in (("params", 8), ("macs", 5), ("bytes", 32)):
            found = choice.check_reachable(Budget(**{kind: least}), cost_model)
            self.assertAllClose(
                found[kind], least / getattr(cost_model.dense, kind)
            )
            with self.assertRaisesRegex(
                keras_l0.budget.UnreachableBudgetError,
                f"{kind} of .*at least.*cannot be reached.*Gate more layers",
            ):
                choice.check_reachable(Budget(**{kind: least - 1}), cost_model)

    @parameterized.parameters(
        # 3-3-3-1 and, in multiples of 3, 3-3-3-1 and 3-5-4-1 at the ends.
        ({"min_units": 3}, 12 + 12 + 4),
        ({"round_to": 3}, 12 + 12 + 4),
        ({"round_to": 8}, 49),
        ({"min_units": 9}, 49),
    )
    def test_least_follows_the_options(self, options, least):
        cost_model = self.cost_model()
        choice.check_reachable(Budget(params=least, **options), cost_model)
        with self.assertRaisesRegex(ValueError, "cannot be reached"):
            choice.check_reachable(
                Budget(params=least - 1, **options), cost_model
            )

    def test_closest_warns_and_takes_the_least(self):
        budget = Budget(params=2, macs=0.9, on_unreachable="closest")
        with self.assertLogs(logging.get_absl_logger(), "WARNING") as logs:
            found = choice.check_reachable(budget, self.cost_model())
        self.assertRegex(logs.output[0], "cannot be reached.*closest is taken")
        self.assertAllClose(found["params"], 8 / 49)
        self.assertEqual(found["macs"], 0.9)

    def test_what_has_no_gates_counts(self):
        with self.assertRaisesRegex(ValueError, "cannot be reached"):
            keras_l0.add_gates(
                models.mlp((20, 4)),
                exclude="^dense$",
                budget=Budget(params=0.5),
            )

    def test_cost_fractions(self):
        cost_model = self.cost_model()
        gates = np.array([1, 1, 0, 0, 0, 1, 0, 0, 0], bool)
        found = choice.cost_fractions(cost_model, gates, ("params", "macs"))
        # 3-2-1-1: 8 + 3 + 2 weights, 6 + 2 + 1 multiplications of 39.
        self.assertAllClose(found, {"params": 13 / 49, "macs": 9 / 39})
        self.assertIsInstance(found["params"], float)

    def test_costs_are_whole_numbers(self):
        # Of 41 units each, 15 and 14 cost 6e-14 more than 269 in float64.
        model = models.gated(lambda: models.mlp((41, 41)))
        cost_model = keras_l0.budget.CostModel(model)
        gates = np.r_[np.arange(41) < 15, np.arange(41) < 14]
        found = choice.cost_fractions(cost_model, gates, ("macs",))
        macs = 3 * 15 + 15 * 14 + 14
        self.assertEqual(found["macs"], macs / (3 * 41 + 41 * 41 + 41))


if __name__ == "__main__":
    absltest.main()
