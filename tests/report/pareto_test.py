"""Tests of the points that no other point dominates."""

import json
import math

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import report
from keras_l0.report import pareto
from tests import test_util


def point(epoch, value, macs, params=1, file=""):
    return report.ParetoPoint(epoch, value, params, macs, file)


def front(*points, mode="max", cost="macs", **kwargs):
    found = report.ParetoFront("val_accuracy", mode, cost, **kwargs)
    for each in points:
        found = found.with_point(each)
    return found


def by_definition(points, mode):
    """Points that no other beats in one respect and equals in the other."""
    sign = 1 if mode == "max" else -1
    kept = []
    for one in points:
        beaten = any(
            other.macs <= one.macs
            and sign * other.value >= sign * one.value
            and (other.macs, other.value) != (one.macs, one.value)
            for other in points
        )
        if not beaten:
            kept.append((one.macs, one.value))
    return sorted(set(kept))


class ParetoFrontTest(test_util.TestCase):
    @parameterized.product(mode=("min", "max"), seed=(1, 2, 3, 4, 5))
    def test_front_is_what_the_definition_says(self, mode, seed):
        rng = np.random.default_rng(seed)
        # Few different numbers, so that there are ties of all kinds.
        points = [
            point(i, float(rng.integers(6)), int(rng.integers(1, 7)))
            for i in range(25)
        ]
        found = front(*points, mode=mode)
        self.assertEqual(
            [(p.macs, p.value) for p in found.points],
            by_definition(points, mode),
        )

    def test_what_is_beaten_goes(self):
        first, second, third = point(1, 0.9, 80), point(2, 0.8, 50), None
        found = front(first, second)
        self.assertEqual(found.points, (second, first))
        third = point(3, 0.95, 60)
        self.assertEqual(found.with_point(third).points, (second, third))
        self.assertEqual(found.points, (second, first))

    def test_the_first_of_equals_stays(self):
        found = front(point(1, 0.9, 80), point(2, 0.9, 80))
        self.assertEqual([p.epoch for p in found.points], [1])

    def test_cost_may_be_parameters(self):
        cheap, dear = point(1, 0.9, 80, params=5), point(2, 0.91, 10, params=9)
        self.assertEqual(front(cheap, dear).points, (dear,))
        found = front(cheap, dear, cost="params", params=20, macs=90)
        self.assertEqual(found.points, (cheap, dear))
        self.assertEqual((found.cost_of(dear), found.full_cost), (9, 20))

    @parameterized.parameters(math.nan, math.inf, -math.inf)
    def test_values_that_are_not_finite_are_not_admitted(self, value):
        for mode in pareto.MODES:
            self.assertFalse(front(mode=mode).admits(point(1, value, 1)))

    def test_table(self):
        found = front(
            point(7, 0.9, 2_000_000, 4321, "a.keras"),
            point(3, 0.95, 2_500_000, 8642, "b.keras"),
            params=8642,
            macs=5_000_000,
        )
        self.assertEqual(
            str(found),
            "epoch  val_accuracy    MACs  of all  params   of all     file\n"
            "7               0.9  2.00 M  40.0 %   4,321   50.0 %  a.keras\n"
            "3              0.95  2.50 M  50.0 %   8,642  100.0 %  b.keras",
        )

    def test_table_of_nothing(self):
        self.assertLen(str(front()).split("\n"), 1)

    def test_dict_and_back(self):
        found = front(point(1, 0.9, 80, 4, "a.keras"), params=9, macs=99)
        record = json.loads(json.dumps(found.to_dict()))
        self.assertEqual(record["points"][0]["file"], "a.keras")
        self.assertEqual(report.ParetoFront.from_dict(record), found)

    @parameterized.parameters(
        ("epoch", "1", TypeError),
        ("params", -1, ValueError),
        ("macs", 2.5, TypeError),
        ("value", float("nan"), ValueError),
        ("file", 3, TypeError),
    )
    def test_record_of_something_else_raises(self, name, value, error):
        record = front(point(1, 0.9, 80)).to_dict()
        record["points"][0][name] = value
        with self.assertRaisesRegex(error, f"`{name}` must"):
            report.ParetoFront.from_dict(record)

    def test_unknown_choices_raise(self):
        with self.assertRaisesRegex(ValueError, "Unknown `mode`.*'auto'"):
            front(mode="auto")
        with self.assertRaisesRegex(ValueError, "Unknown `cost`.*'bytes'"):
            front(cost="bytes")


class ReadFrontTest(test_util.TestCase):
    def test_fronts_and_what_has_one(self):
        found = front(point(1, 0.9, 80))

        class Callback:
            front = found

        self.assertIs(pareto.read_front(found), found)
        self.assertIs(pareto.read_front(Callback()), found)

    def test_points_are_sorted(self):
        points = [point(1, 0.9, 80), point(2, 0.8, 20)]
        found = pareto.read_front(points)
        self.assertEqual([p.epoch for p in found.points], [2, 1])

    @parameterized.parameters("pareto.json", 3, ([(1, 2)],))
    def test_other_things_raise(self, thing):
        with self.assertRaisesRegex(TypeError, "`pareto` must be a `Pareto"):
            pareto.read_front(thing)


if __name__ == "__main__":
    absltest.main()
