"""Tests of where labels are put."""

import itertools

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from keras_l0.report import labels
from tests import test_util


def axes():
    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.add_subplot()


def boxes(plot):
    """Where the words of each annotation are, in pixels, once drawn."""
    plot.figure.canvas.draw()
    renderer = plot.figure.canvas.get_renderer()
    return [Text.get_window_extent(text, renderer) for text in plot.texts]


class SpreadTest(test_util.TestCase):
    def test_positions_far_enough_stay(self):
        self.assertEqual(labels.spread([3.0, 0.0, 1.0], 1.0), [3.0, 0.0, 1.0])
        self.assertEqual(labels.spread([], 1.0), [])

    def test_colliding_positions_move_around_their_mean(self):
        moved = labels.spread([1.0, 1.0, 1.0, 9.0], 2.0)
        self.assertEqual(moved, [-1.0, 1.0, 3.0, 9.0])

    def test_a_block_pushes_its_neighbor(self):
        # The pair settles at 0.5 and 2.5, which 3 is too near to.
        moved = labels.spread([1.0, 2.0, 3.0], 2.0)
        self.assertAllClose(moved, [0.0, 2.0, 4.0], rtol=0, atol=1e-12)

    @parameterized.parameters(2, 5, 20)
    def test_moves_are_the_least_possible(self, count):
        generator = np.random.default_rng(test_util.test_seed())
        wanted = generator.uniform(0, 3, count)
        moved = np.array(labels.spread(list(wanted), 0.5))
        order = np.argsort(wanted)
        gaps = np.diff(moved[order])
        self.assertTrue(np.all(gaps >= 0.5 - 1e-12))
        # The optimum of a convex problem: no small change that keeps the gaps
        # makes the sum of squares smaller.
        cost = np.sum((moved - wanted) ** 2)
        for _ in range(2000):
            other = moved + generator.normal(0, 0.05, count)
            if np.all(np.diff(other[order]) >= 0.5):
                self.assertGreaterEqual(np.sum((other - wanted) ** 2), cost)


class LabelEndsTest(test_util.TestCase):
    def test_labels_of_equal_ends_do_not_overlap(self):
        plot = axes()
        ends = {f"layer {i}": (1, 0.5, "black") for i in range(8)}
        labels.label_ends(plot, ends)
        for one, other in itertools.combinations(boxes(plot), 2):
            self.assertFalse(one.overlaps(other))

    def test_labels_stand_right_of_the_axes_and_in_the_picture(self):
        plot = axes()
        labels.label_ends(plot, {"low": (1, 0.1, "red"), "high": (1, 1, "red")})
        low, high = boxes(plot)
        self.assertGreater(low.x0, plot.get_window_extent().x1)
        self.assertLess(low.x1, plot.figure.bbox.x1)
        self.assertLess(low.y1, high.y0)


class LabelPointsTest(test_util.TestCase):
    @parameterized.named_parameters(
        ("apart", [(0.2, 0.2), (0.8, 0.8)]),
        ("beside", [(0.5, 0.5), (0.56, 0.5)]),
        ("equal", [(0.5, 0.5)] * 4),
        ("corners", [(0, 0), (1, 1), (0, 1), (1, 0)]),
    )
    def test_labels_cover_nothing_and_stay_inside(self, points):
        plot = axes()
        names = [f"model {i}" for i in range(len(points))]
        labels.label_points(plot, names, points)
        found = boxes(plot)
        self.assertLen(found, len(points))
        for one, other in itertools.combinations(found, 2):
            self.assertFalse(one.overlaps(other))
        inside = plot.get_window_extent()
        for box, point in itertools.product(found, points):
            self.assertFalse(box.contains(*plot.transData.transform(point)))
        for box in found:
            self.assertGreaterEqual(box.x0, inside.x0)
            self.assertLessEqual(box.x1, inside.x1)
            self.assertGreaterEqual(box.y0, inside.y0)
            self.assertLessEqual(box.y1, inside.y1)

    def test_a_lonely_label_stands_right_of_its_point(self):
        plot = axes()
        labels.label_points(plot, ["model"], [(0.5, 0.5)])
        (box,) = boxes(plot)
        x, y = plot.transData.transform((0.5, 0.5))
        self.assertBetween(box.x0 - x, 5, 20)
        self.assertBetween(y, box.y0, box.y1)


if __name__ == "__main__":
    absltest.main()
