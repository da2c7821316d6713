"""Tests of figures as text."""

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report import table
from tests import test_util


class TableTest(test_util.TestCase):
    def test_columns_are_aligned(self):
        lines = table.aligned([("", "ms"), ("a", "10.55"), ("long", "-")])
        self.assertEqual(lines, ["         ms", "a     10.55", "long      -"])
        self.assertEqual(table.aligned([]), [])

    @parameterized.parameters(
        (None, "-"),
        (0, "0"),
        (12, "12"),
        (999, "999"),
        (1000, "1.00 k"),
        (9120, "9.12 k"),
        (99_960, "100 k"),
        (345_678, "346 k"),
        (999_499, "999 k"),
        (999_500, "1.00 M"),
        (1_700_000, "1.70 M"),
        (2_293_000_000, "2.29 G"),
        (5_000_000_000_000_000, "5.00e+03 T"),
    )
    def test_with_prefix(self, value, expected):
        self.assertEqual(table.with_prefix(value), expected)

    def test_unit(self):
        self.assertEqual(table.with_prefix(612, "B"), "612 B")
        self.assertEqual(table.with_prefix(61_200, "B"), "61.2 kB")

    def test_other_figures(self):
        self.assertEqual(table.with_commas(431_080), "431,080")
        self.assertEqual(table.milliseconds(0.01234), "0.012")
        self.assertEqual(table.ratio(10, 4), "2.5x")
        for function in (table.with_commas, table.milliseconds):
            self.assertEqual(function(None), "-")
        for first, second in ((None, 1), (1, None), (0, 1), (1, 0)):
            self.assertEqual(table.ratio(first, second), "-")


if __name__ == "__main__":
    absltest.main()
