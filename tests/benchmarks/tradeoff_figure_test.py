"""Tests the picture of error against weights left."""

import os

from absl.testing import absltest
from PIL import Image

from benchmarks import tradeoff_figure
from benchmarks.recipes import RECIPES
from tests import test_util


def _run(network, row, percent=1.0):
    return {
        "network": network,
        "row": row,
        "percent_left": percent,
        "test_error": 1.5,
    }


class TradeoffFigureTest(test_util.TestCase):
    def test_every_row_belongs_to_one_method(self):
        for network, row, _ in RECIPES:
            runs = [_run(network, row)]
            found = [
                style.label
                for style in tradeoff_figure.STYLES
                if tradeoff_figure.points(runs, network, style)
            ]
            self.assertLen(found, 1, row)

    def test_points_are_of_one_network_and_method(self):
        runs = [
            _run("lenet5", "arm_uniform", 3.0),
            _run("lenet5", "uniform"),
            _run("lenet_300_100", "arm_uniform"),
            _run("lenet5", "arm_separate", 2.0),
        ]
        style = tradeoff_figure.STYLES[1]
        self.assertEqual(
            tradeoff_figure.points(runs, "lenet5", style),
            [(3.0, 1.5), (2.0, 1.5)],
        )

    def test_picture(self):
        path = os.path.join(self.create_tempdir().full_path, "new", "a.png")
        runs = [_run("lenet5", "dense", 100.0), _run("lenet5", "arm_uniform")]
        tradeoff_figure.draw(runs, path)
        with Image.open(path) as image:
            self.assertEqual(image.format, "PNG")
        self.assertBetween(os.path.getsize(path), 10_000, 150_000)


if __name__ == "__main__":
    absltest.main()
