"""Tests of the places of numbers on an axis."""

import math

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report.html import scale
from tests import test_util


class ScaleTest(test_util.TestCase):
    def test_ends_and_middle(self):
        found = scale.Scale(2.0, 6.0, 100.0, 0.0)
        self.assertAllClose([found(2), found(4), found(6)], [100, 50, 0])

    def test_equal_ratios_are_equal_distances(self):
        found = scale.Scale(1.0, 10_000.0, 0.0, 8.0, logarithmic=True)
        self.assertAllClose([found(1), found(100), found(1e4)], [0, 4, 8])

    @parameterized.parameters(
        (0.0, 10.0, [0, 2, 4, 6, 8, 10]),
        (0.93, 0.99, [0.94, 0.96, 0.98]),
        (-1.0, 1.0, [-1, -0.5, 0, 0.5, 1]),
        (1.0, 30.0, [10, 20, 30]),
        (1e6, 1.3e6, [1e6, 1.1e6, 1.2e6, 1.3e6]),
    )
    def test_ticks_are_round(self, low, high, expected):
        self.assertAllClose(scale.Scale(low, high, 0, 1).ticks(), expected)

    @parameterized.parameters(
        (0.9, 1100.0, [1, 10, 100, 1000]),
        (3.0, 400.0, [10, 100]),
        (1e-9, 1e3, [1e-9, 1e-7, 1e-5, 1e-3, 1e-1, 1e1, 1e3]),
    )
    def test_logarithmic_ticks(self, low, high, expected):
        found = scale.Scale(low, high, 0, 1, logarithmic=True).ticks()
        self.assertAllClose(found, expected)

    @parameterized.parameters(*range(40))
    def test_there_are_a_few_ticks_on_any_axis(self, seed):
        rng = np.random.default_rng(seed)
        size = 10.0 ** rng.integers(-9, 12)
        values = [*(rng.normal(size=3) * size)]
        if seed % 2:
            values = [*np.abs(values), abs(values[0]) * 10 ** rng.uniform(2, 9)]
        found = scale.fitting(values, 0.0, 100.0)
        ticks = found.ticks()
        self.assertBetween(len(ticks), 2, 12)
        self.assertBetween(min(map(found, ticks)), -1e-6, 100 + 1e-6)
        self.assertBetween(max(map(found, ticks)), -1e-6, 100 + 1e-6)

    @parameterized.parameters(*range(40))
    def test_texts_say_what_the_ticks_are(self, seed):
        rng = np.random.default_rng(seed)
        low = rng.normal() * 10.0 ** rng.integers(-9, 12)
        span = abs(low) * 10.0 ** rng.uniform(-5, 2)
        found = scale.Scale(low, low + span, 0.0, 1.0)
        ticks, texts = found.ticks(), found.texts()
        self.assertLen(set(texts), len(ticks))
        prefixes = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
        for tick, text in zip(ticks, texts, strict=True):
            digits, _, prefix = text.replace(",", "").partition(" ")
            value = float(digits) * prefixes[prefix]
            self.assertLess(abs(value - tick), 0.01 * (ticks[1] - ticks[0]))

    def test_texts_are_short(self):
        found = scale.Scale(0.0, 1.0, 0.0, 1.0)
        self.assertEqual(found.texts(), "0 0.2 0.4 0.6 0.8 1".split())


class FittingTest(test_util.TestCase):
    def test_values_lie_inside(self):
        found = scale.fitting([3.0, 5.0], 0.0, 110.0, padding=0.05)
        self.assertAllClose([found(3), found(5)], [5, 105])
        self.assertFalse(found.logarithmic)

    def test_large_ratios_are_logarithmic(self):
        found = scale.fitting([1.0, 100.0], 0.0, 110.0, padding=0.05)
        self.assertTrue(found.logarithmic)
        self.assertAllClose([found(1), found(10), found(100)], [5, 55, 105])
        self.assertFalse(scale.fitting([1, 99], 0, 1).logarithmic)
        self.assertFalse(scale.fitting([0, 1000], 0, 1).logarithmic)
        found = scale.fitting([1, 1000], 0, 1, linear=True)
        self.assertFalse(found.logarithmic)

    @parameterized.parameters(0.0, 7.0, -7.0, 1e-30)
    def test_one_value_is_in_the_middle(self, value):
        found = scale.fitting([value], 0.0, 10.0, padding=0.0)
        self.assertAllClose(found(value), 5.0)


class NumberTest(test_util.TestCase):
    @parameterized.parameters(
        (0, "0"),
        (0.5, "0.5"),
        (-12.5, "-12.5"),
        (1234, "1,234"),
        (12_500, "12.5 k"),
        (2_500_000, "2.5 M"),
        (3e9, "3 G"),
        (3e12, "3 T"),
        (1e-7, "1e-07"),
        (math.pi, "3.142"),
        (math.pi, "3.14159", 6),
        (1234.5678, "1,234.57", 6),
        (12_345_678, "12.34568 M", 7),
    )
    def test_few_digits(self, value, expected, digits=4):
        self.assertEqual(scale.number(value, digits), expected)


if __name__ == "__main__":
    absltest.main()
