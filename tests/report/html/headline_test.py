"""Tests of the figures that come first."""

from absl.testing import absltest

from keras_l0 import report
from keras_l0.report.html import headline
from tests import test_util

DENSE = report.ModelFigures("dense", 1000, 8000, 500, 700, 400, 0.5, 0.3)
GATED = report.ModelFigures("gated", 1000, 8000, 600)
SMALL = report.ModelFigures("stripped", 100, 2000, 60, 90, 50, 0.25, 0.2)
INT8 = report.ModelFigures("stripped int8", litert_bytes=20)


def of(*rows):
    comparison = report.Comparison(rows, {}, 1.0, 1)
    return {
        found.name: (found.before, found.after, found.ratio)
        for found in headline.of_comparison(comparison)
    }


class HeadlineTest(test_util.TestCase):
    def test_first_against_stripped(self):
        self.assertEqual(
            of(DENSE, GATED, SMALL, INT8),
            {
                "parameters": (1000, 100, 10.0),
                "MACs": (8000, 2000, 4.0),
                ".tflite file": (400, 50, 8.0),
                "ms on 1 thread": (0.5, 0.25, 2.0),
            },
        )

    def test_what_only_one_has(self):
        found = of(GATED, SMALL)
        self.assertEqual(found[".tflite file"], (None, 50, None))
        self.assertEqual(found[".keras file"], (600, 60, 10.0))
        self.assertEqual(found["ms on 1 thread"], (None, 0.25, None))

    def test_a_single_model(self):
        self.assertEqual(of(SMALL)["parameters"], (None, 100, None))

    def test_no_model(self):
        self.assertEqual(of(), {})

    def test_costs(self):
        one, other = headline.of_costs((10, 40), (5, None))
        self.assertEqual((one.before, one.after, one.ratio), (10, 5, 2.0))
        self.assertEqual((other.before, other.ratio), (40, None))
        self.assertEmpty(headline.of_costs((None, None), (None, None)))

    def test_nothing_is_divided_by_zero(self):
        one, _ = headline.of_costs((10, 10), (0, 0))
        self.assertIsNone(one.ratio)


if __name__ == "__main__":
    absltest.main()
