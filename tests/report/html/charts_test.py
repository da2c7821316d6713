"""Tests of the charts of the HTML report."""

import re

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report.html import charts
from tests import test_util
from tests.report.html import pages

WIDTH, HEIGHT = 360, 210


def read(chart):
    (svg,) = pages.read(chart).all("svg")
    return svg


def corners(path):
    numbers = re.findall(r"-?\d+\.?\d*", path.attributes["d"])
    return np.array(numbers, "float64").reshape(-1, 2)


def texts(svg):
    return [text.text for text in svg.all("text")]


def boxes(svg, letter=6.5):
    """Where each text stands, roughly: left, top, right, bottom."""
    found = []
    for text in svg.all("text"):
        width = letter * len(text.text)
        share = {"start": 0, "middle": 0.5, "end": 1}
        x, y = (float(text.attributes[name]) for name in "xy")
        left = x - width * share[text.attributes["text-anchor"]]
        found.append((left, y - 9, left + width, y + 1))
    return found


def overlapping(found):
    return [
        (one, other)
        for i, one in enumerate(found)
        for other in found[:i]
        if one[0] < other[2]
        and other[0] < one[2]
        and one[1] < other[3]
        and other[1] < one[3]
    ]


class LinesTest(test_util.TestCase):
    def test_points_are_in_proportion(self):
        points = [(1, 5.0), (2, 3.0), (4, 4.0)]
        (path,) = read(charts.lines({"a": points}, "", "epoch")).all("path")
        found = corners(path)
        x, y = (found - found[0]).T
        self.assertAllClose(x / x[2], [0, 1 / 3, 1], atol=1e-3)
        # Down on the screen is down in value.
        self.assertAllClose(y / y[1], [0, 1, 0.5], atol=5e-3)
        self.assertGreater(y[1], 0)

    def test_series_share_their_axes(self):
        series = {"a": [(1, 0.0), (9, 1.0)], "b": [(5, 0.5)]}
        one, other = read(charts.lines(series, "", "epoch")).all("path")
        self.assertAllClose(
            corners(other)[0], corners(one).mean(axis=0), atol=0.1
        )
        self.assertNotEqual(one.attributes["class"], other.attributes["class"])

    def test_axes_are_named_and_numbered(self):
        svg = read(charts.lines({"a": [(1, 0.0), (3, 1.0)]}, "So", "epoch"))
        self.assertContainsSubset(["epoch", "1", "2", "3", "0.5"], texts(svg))
        self.assertNotIn("1.5", texts(svg))  # there is no half epoch
        self.assertEqual(svg.attributes["role"], "img")
        self.assertEqual(svg.attributes["aria-label"], "So")

    @parameterized.parameters(*range(30))
    def test_texts_are_inside_and_apart(self, seed):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 400))
        values = rng.normal(size=count) * 10.0 ** rng.integers(-8, 12)
        if seed % 3 == 0:
            values = np.exp(rng.normal(size=count) * 4)
        points = [(i + 1, float(v)) for i, v in enumerate(values)]
        found = boxes(read(charts.lines({"a": points}, "", "epoch")))
        self.assertEmpty(overlapping(found))
        for left, top, right, bottom in found:
            self.assertGreaterEqual(left, 0)
            self.assertGreaterEqual(top, 0)
            self.assertLessEqual(right, WIDTH + 1)
            self.assertLessEqual(bottom, HEIGHT)


class StepsTest(test_util.TestCase):
    POINTS = ((100.0, 0.7), (200.0, 0.8), (400.0, 0.85))

    def test_line_goes_right_then_up(self):
        svg = read(charts.steps(self.POINTS, ["a", "b", "c"], "", "MACs"))
        found = corners(svg.all("path")[0])
        moves = np.diff(found, axis=0)
        self.assertLen(moves, 4)
        self.assertAllClose(moves[::2, 1], [0, 0])
        self.assertAllClose(moves[1::2, 0], [0, 0])
        self.assertLess(moves[1::2, 1].max(), 0)
        dots = [
            [float(dot.attributes[name]) for name in ("cx", "cy")]
            for dot in svg.all("circle")
        ]
        self.assertAllClose(dots, found[::2], atol=0.06)

    def test_points_are_named_and_explained(self):
        svg = read(charts.steps(self.POINTS, ["a", "b", "c"], "", "MACs"))
        self.assertContainsSubset(["a", "b", "c", "MACs"], texts(svg))
        tips = [dot.text for dot in svg.all("circle")]
        self.assertEqual(tips, ["a: 100, 0.7", "b: 200, 0.8", "c: 400, 0.85"])

    def test_logarithmic_axis_says_so(self):
        points = ((1.0, 0.1), (1000.0, 0.2))
        svg = read(charts.steps(points, ["a", "b"], "", "MACs"))
        self.assertIn("MACs (logarithmic)", texts(svg))

    def test_numbers_without_room_are_left_out(self):
        points = ((30_000_000.0, 0.1), (30_000_300.0, 0.2))
        svg = read(charts.steps(points, ["a", "b"], "", "MACs"))
        self.assertIn("30 M", texts(svg))
        self.assertNotIn("30.00005 M", texts(svg))
        self.assertEmpty(overlapping(boxes(svg)))

    @parameterized.parameters(*range(20))
    def test_names_cover_neither_each_other_nor_the_line(self, seed):
        rng = np.random.default_rng(seed)
        count = int(rng.integers(1, 40))
        xs = np.sort(rng.uniform(1, 10.0 ** rng.integers(1, 7), count))
        ys = np.sort(rng.uniform(size=count))[:: 1 if seed % 2 else -1]
        points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        names = [str(int(i)) for i in rng.integers(1, 1000, count)]
        svg = read(charts.steps(points, names, "", "MACs"))
        found = boxes(svg)
        self.assertEmpty(overlapping(found))
        line = corners(svg.all("path")[0])
        for (a, b), (c, d) in zip(line, line[1:], strict=False):
            box = (min(a, c), min(b, d), max(a, c), max(b, d))
            for text in found:
                self.assertEmpty(overlapping([box, text]))


class BarsTest(test_util.TestCase):
    def test_bars_are_as_tall_as_their_counts(self):
        svg = read(charts.bars([4, 0, 8], {0: "0", 2: "1"}, "So"))
        first, last = svg.all("rect")
        heights = [float(b.attributes["height"]) for b in (first, last)]
        self.assertAllClose(heights[0] / heights[1], 0.5)
        for bar in (first, last):
            y, height = (float(bar.attributes[n]) for n in ("y", "height"))
            self.assertAllClose(y + height, 70.0)
        self.assertEqual(texts(svg), ["0", "1"])

    def test_a_single_gate_can_be_seen(self):
        svg = read(charts.bars([1, 100_000], {}, ""))
        height = float(svg.all("rect")[0].attributes["height"])
        self.assertGreater(height, 1)

    def test_nothing_to_count(self):
        self.assertEmpty(read(charts.bars([0, 0], {}, "")).all("rect"))


if __name__ == "__main__":
    absltest.main()
