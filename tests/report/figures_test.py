"""Tests of the pictures: what they show, and how they are written."""

import os
import struct
import sys
from unittest import mock

import matplotlib
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report import figures
from keras_l0.report.pareto import ParetoFront
from keras_l0.report.pareto import ParetoPoint
from tests import test_util

OPEN = {"conv": [20, 17, 15], "dense": [500, 300, 90]}
TOTAL = {"conv": 20, "dense": 500}
FRONT = ParetoFront(
    "val_accuracy",
    "max",
    "macs",
    (ParetoPoint(9, 0.95, 100, 4_000), ParetoPoint(3, 0.98, 300, 9_000)),
)
POINTS = {"dense": (1_700_000, 0.981), "small": (40_000, 0.978)}
PLOTS = (
    ("open_units", lambda path: figures.plot_open_units(OPEN, TOTAL, path)),
    (
        "architecture",
        lambda path: figures.plot_architecture(
            TOTAL, {"conv": 15, "dense": 90}, path
        ),
    ),
    ("accuracy", lambda path: figures.plot_accuracy_size(POINTS, path)),
    ("pareto", lambda path: figures.plot_pareto(FRONT, path)),
)


def drawn(plot, *arguments):
    """The axes that a function draws, without writing them."""
    with mock.patch.object(figures, "_save") as save:
        plot(*arguments, "unused.png")
    (axes,) = save.call_args.args[0].axes
    return axes


def texts(axes):
    return [text.get_text() for text in axes.texts]


class FilesTest(test_util.TestCase):
    @parameterized.named_parameters(*PLOTS)
    def test_png_has_a_readable_size(self, plot):
        path = os.path.join(self.create_tempdir().full_path, "picture.png")
        plot(path)
        with open(path, "rb") as file:
            head = file.read(24)
        self.assertEqual(head[:8], b"\x89PNG\r\n\x1a\n")
        width, height = struct.unpack(">II", head[16:])
        self.assertEqual(width, 1125)  # 7.5 inches, 150 dots each
        self.assertBetween(height, 300, 700)
        self.assertGreater(os.path.getsize(path), 5000)

    @parameterized.named_parameters(*PLOTS)
    def test_failure_leaves_nothing_and_keeps_the_old_picture(self, plot):
        folder = self.create_tempdir().full_path
        path = os.path.join(folder, "picture.png")
        with open(path, "w") as file:
            file.write("old")
        with mock.patch.object(
            matplotlib.figure.Figure, "savefig", side_effect=OSError("full")
        ):
            with self.assertRaisesRegex(OSError, "full"):
                plot(path)
        self.assertEqual(os.listdir(folder), ["picture.png"])
        with open(path) as file:
            self.assertEqual(file.read(), "old")

    @parameterized.named_parameters(*PLOTS)
    def test_missing_folder_is_named(self, plot):
        path = os.path.join(self.create_tempdir().full_path, "none", "a.png")
        with self.assertRaisesRegex(FileNotFoundError, "`path` lies.*none"):
            plot(path)

    @parameterized.named_parameters(*PLOTS)
    def test_unknown_format_is_refused_and_leaves_nothing(self, plot):
        folder = self.create_tempdir().full_path
        with self.assertRaisesRegex(ValueError, "'doc' is not supported"):
            plot(os.path.join(folder, "picture.doc"))
        self.assertEqual(os.listdir(folder), [])

    @parameterized.named_parameters(*PLOTS)
    def test_matplotlib_missing(self, plot):
        with mock.patch.dict(
            sys.modules, {"matplotlib.backends.backend_agg": None}
        ):
            with self.assertRaisesRegex(
                ImportError, r"pip install keras_l0\[plots\]"
            ):
                plot("unused.png")

    def test_global_state_of_matplotlib_stays(self):
        path = os.path.join(self.create_tempdir().full_path, "a.png")
        with matplotlib.rc_context({"font.size": 7.0, "lines.linewidth": 5.0}):
            before = dict(matplotlib.rcParams)
            for _, plot in PLOTS:
                plot(path)
            self.assertEqual(dict(matplotlib.rcParams), before)


class OpenUnitsTest(test_util.TestCase):
    def test_lines_are_percentages_by_epoch(self):
        axes = drawn(figures.plot_open_units, OPEN, TOTAL)
        conv, dense = axes.lines
        self.assertAllEqual(conv.get_xdata(), [1, 2, 3])
        self.assertAllClose(conv.get_ydata(), [100, 85, 75])
        self.assertAllClose(dense.get_ydata(), [100, 60, 18])
        self.assertNotEqual(conv.get_color(), dense.get_color())

    def test_last_counts_are_written_beside_the_lines(self):
        axes = drawn(figures.plot_open_units, OPEN, TOTAL)
        self.assertEqual(texts(axes), ["conv  15 of 20", "dense  90 of 500"])

    def test_more_layers_than_colors(self):
        counts = {f"layer {i}": [8, i] for i in range(9)}
        axes = drawn(figures.plot_open_units, counts, dict.fromkeys(counts, 8))
        self.assertLen(axes.lines, 9)

    def test_nothing_to_draw(self):
        with self.assertRaisesRegex(ValueError, "same names, one or more"):
            figures.plot_open_units({}, {}, "unused.png")
        with self.assertRaisesRegex(ValueError, r"Received: .*'conv': \[\]"):
            figures.plot_open_units({"conv": []}, {"conv": 1}, "unused.png")

    def test_other_names(self):
        with self.assertRaisesRegex(
            ValueError, r"`open_units` and `num_units`.*'dense'\) and \('conv"
        ):
            figures.plot_open_units(OPEN, {"conv": 20}, "unused.png")


class ArchitectureTest(test_util.TestCase):
    def test_bars_and_numbers(self):
        left = {"conv": 15, "dense": 90}
        axes = drawn(figures.plot_architecture, TOTAL, left)
        self.assertAllClose(
            [bar.get_width() for bar in axes.patches], [100, 100, 75, 18]
        )
        names = [label.get_text() for label in axes.get_yticklabels()]
        self.assertEqual(names, ["conv", "dense"])
        self.assertEqual(
            texts(axes),
            [
                "20 \N{RIGHTWARDS ARROW} 15   (75 %)",
                "500 \N{RIGHTWARDS ARROW} 90   (18 %)",
            ],
        )

    def test_input_is_at_the_top(self):
        axes = drawn(figures.plot_architecture, TOTAL, TOTAL)
        low, high = axes.get_ylim()
        self.assertGreater(low, high)

    @parameterized.parameters((20, 21), (20, -1), (0, 0))
    def test_numbers_that_cannot_be(self, before, after):
        with self.assertRaisesRegex(
            ValueError, rf"before\['a'\]={before}, after\['a'\]={after}"
        ):
            figures.plot_architecture({"a": before}, {"a": after}, "unused.png")

    def test_other_names(self):
        with self.assertRaisesRegex(ValueError, "`before` and `after`"):
            figures.plot_architecture({"a": 1}, {"b": 1}, "unused.png")


class AccuracySizeTest(test_util.TestCase):
    def test_points_and_labels(self):
        axes = drawn(figures.plot_accuracy_size, POINTS)
        (points,) = axes.collections
        self.assertAllClose(points.get_offsets(), [[1700, 98.1], [40, 97.8]])
        self.assertEqual(
            texts(axes), ["dense\n1.70 MB, 98.1 %", "small\n40.0 kB, 97.8 %"]
        )

    def test_all_points_lie_inside(self):
        axes = drawn(
            figures.plot_accuracy_size, {"a": (1, 0.0), "b": (10**9, 1.0)}
        )
        self.assertLess(axes.get_xlim()[0], 1e-3)
        self.assertGreater(axes.get_xlim()[1], 1e6)
        self.assertLess(axes.get_ylim()[0], 0)
        self.assertGreater(axes.get_ylim()[1], 100)

    def test_nothing_above_100_percent_is_written(self):
        axes = drawn(figures.plot_accuracy_size, {"a": (1000, 1.0)})
        axes.figure.canvas.draw()
        names = [label.get_text() for label in axes.get_yticklabels()]
        self.assertEqual(max(float(name) for name in names if name), 100)

    @parameterized.parameters((0, 0.5), (1, 1.5), (1, -0.1), (1, float("nan")))
    def test_numbers_that_cannot_be(self, size, accuracy):
        with self.assertRaisesRegex(ValueError, r"Received: points\['a'\]="):
            figures.plot_accuracy_size({"a": (size, accuracy)}, "unused.png")

    def test_nothing_to_draw(self):
        with self.assertRaisesRegex(ValueError, r"Received: points=\{\}"):
            figures.plot_accuracy_size({}, "unused.png")


class ParetoTest(test_util.TestCase):
    def test_points_line_and_epochs(self):
        axes = drawn(figures.plot_pareto, FRONT)
        (points,) = axes.collections
        self.assertAllClose(points.get_offsets(), [[4000, 0.95], [9000, 0.98]])
        (line,) = axes.lines
        self.assertEqual(line.get_drawstyle(), "steps-post")
        self.assertAllEqual(line.get_xdata(), [4000, 9000])
        self.assertEqual(texts(axes), ["9", "3"])
        self.assertEqual(axes.get_xlabel(), "MACs")
        self.assertEqual(axes.get_ylabel(), "val_accuracy")
        self.assertEqual(axes.get_xscale(), "linear")

    def test_far_costs_are_logarithmic(self):
        cheap = ParetoPoint(9, 0.9, 1, 300)
        axes = drawn(figures.plot_pareto, FRONT.with_point(cheap))
        self.assertEqual(axes.get_xscale(), "log")

    @parameterized.parameters(("max", 6), ("min", -6))
    def test_epochs_stand_away_from_the_line(self, mode, height):
        front = ParetoFront("value", mode, "params", FRONT.points)
        axes = drawn(figures.plot_pareto, front)
        for text in axes.texts:
            self.assertEqual(text.get_position(), (-6, height))
        self.assertEqual(axes.get_xlabel(), "parameters")

    def test_nothing_to_draw(self):
        with self.assertRaisesRegex(ValueError, "`front` must have a point"):
            figures.plot_pareto(ParetoFront("a", "max", "macs"), "unused.png")


if __name__ == "__main__":
    absltest.main()
