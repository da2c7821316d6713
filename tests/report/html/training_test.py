"""Tests of what the page says of the training."""

from absl.testing import absltest

from keras_l0 import report
from keras_l0.report.html import training
from tests import test_util
from tests.report.html import pages


def read(markup):
    return pages.read("".join(markup))


def table(element):
    """Cells of the only table, row by row."""
    (found,) = element.all("table")
    return [[cell.text for cell in row.children] for row in found.all("tr")]


class CurvesTest(test_util.TestCase):
    def test_metric_and_validation_share_a_chart(self):
        points = [(1.0, 0.5), (2.0, 0.25)]
        names = ("accuracy", "val_accuracy", "loss", "val_loss", "val_only")
        page = read(training.curves(dict.fromkeys(names, points)))
        figures = page.all("figure")
        titles = [figure.all("h3")[0].text for figure in figures]
        self.assertEqual(titles, ["loss", "accuracy", "val_only"])
        counts = [len(f.all("svg", "chart")[0].all("path")) for f in figures]
        self.assertEqual(counts, [2, 2, 1])
        (caption,) = figures[0].all("figcaption")
        self.assertEqual(caption.text, "loss loss 0.25 val_loss 0.25")
        (chart,) = figures[2].all("svg", "chart")
        self.assertEqual(
            chart.attributes["aria-label"],
            "By epoch: val_only from 0.5 to 0.25",
        )


class FrontTest(test_util.TestCase):
    def test_picture_and_table(self):
        front = report.ParetoFront(
            "val_loss",
            "min",
            "params",
            (
                report.ParetoPoint(8, 0.5, 100, 900),
                report.ParetoPoint(2, 0.25, 300, 1200),
            ),
        )
        page = read(training.front(front))
        self.assertEqual(
            table(page),
            [
                ["epoch", "val_loss", "MACs", "params"],
                ["8", "0.5", "900", "100"],
                ["2", "0.25", "1.20 k", "300"],
            ],
        )
        tips = [dot.text for dot in page.all("circle")]
        self.assertEqual(tips, ["8: 100, 0.5", "2: 300, 0.25"])
        (svg,) = page.all("svg")
        self.assertStartsWith(
            svg.attributes["aria-label"], "val_loss against parameters of 2 "
        )


if __name__ == "__main__":
    absltest.main()
