"""Tests of what the page says of networks."""

from absl.testing import absltest

from keras_l0 import report
from keras_l0.report.html import headline
from keras_l0.report.html import networks
from keras_l0.report.html.architecture import LayerUnits
from tests import test_util
from tests.report.html import pages

ARROW = "\N{RIGHTWARDS ARROW}"
NO_BREAK = "\N{NO-BREAK SPACE}"


def read(markup):
    return pages.read("".join(markup))


def table(element):
    """Cells of the only table, row by row."""
    (found,) = element.all("table")
    return [[cell.text for cell in row.children] for row in found.all("tr")]


class CardsTest(test_util.TestCase):
    def test_before_and_after(self):
        rows = headline.of_costs((252_710, 393_000), (41_850, 500_000))
        page = read(networks.cards(rows))
        self.assertEqual(
            [box.text for box in page.all("div", "box")],
            [
                f"parameters 6.04x less 252,710 {ARROW} 41,850",
                f"MACs 1.27x more 393{NO_BREAK}k {ARROW} 500{NO_BREAK}k",
            ],
        )

    def test_one_of_both(self):
        rows = headline.of_costs((252_710, None), (None, 7))
        boxes = read(networks.cards(rows)).all("div", "box")
        self.assertEqual(
            [box.text for box in boxes], ["parameters 252,710", "MACs 7"]
        )

    def test_no_change(self):
        (box,) = read(
            networks.cards(headline.of_costs((5, None), (5, None)))
        ).all("div", "box")
        self.assertEqual(box.text, f"parameters unchanged 5 {ARROW} 5")


class LayersTest(test_util.TestCase):
    def items(self, *rows):
        items = read(networks.layers(rows)).all("li")
        return [
            (item.text, item.all("i")[0].attributes["style"]) for item in items
        ]

    def test_what_is_left(self):
        self.assertEqual(
            self.items(
                LayerUnits("conv", "Conv2D", 20, 15, 500, 375),
                LayerUnits("gone", "", 20, 0),
                LayerUnits("new", "Dense", None, 3, None, 12),
                LayerUnits("alone", "", 3, None, 1000),
            ),
            [
                (
                    f"conv Conv2D 20 {ARROW} 15 units 500 {ARROW} 375 weights",
                    "width:75.0%",
                ),
                (f"gone 20 {ARROW} 0 units", "width:0.0%"),
                ("new Dense 3 units, new 12 weights, new", "width:100.0%"),
                ("alone 3 units 1,000 weights", "width:100.0%"),
            ],
        )


class ComparisonTest(test_util.TestCase):
    def test_table_and_differences(self):
        rows = (
            report.ModelFigures("dense", 1000, 8000),
            report.ModelFigures("stripped", 100, 2000),
        )
        found = report.Comparison(rows, {"stripped model": 2e-7}, 3.5, 64)
        page = read(networks.comparison(found))
        boxes = page.all("div", "scroll")
        first, last = table(boxes[0])[1], table(boxes[0])[-1]
        self.assertEqual(first[:3], ["dense", "1,000", "8.00 k"])
        self.assertEqual(last[:3], ["dense / stripped", "10.0x", "4.0x"])
        self.assertEqual(table(boxes[1])[1], ["stripped model", "2.0e-07"])
        (text,) = page.all("p")
        self.assertRegex(text.text, "gated model, which reach 3.5,.* 64 ex")

    def test_further_training_is_mentioned(self):
        rows = (report.ModelFigures("stripped", 100, 2000),)
        found = report.Comparison(
            rows, {"dense model": 2.0}, 3.5, 64, reference="stripped"
        )
        first, last = read(networks.comparison(found)).all("p")
        self.assertIn("outputs of the stripped model", first.text)
        self.assertIn("if the stripped one was trained further", last.text)


if __name__ == "__main__":
    absltest.main()
