"""Tests of what all sections of the page are made of."""

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report.html import parts
from tests import test_util
from tests.report.html import pages


def read(markup):
    return pages.read("".join(markup))


class SectionTest(test_util.TestCase):
    def test_is_named_by_its_heading(self):
        (found,) = read(parts.section("Pareto front", "So.")).all("section")
        (heading,) = found.all("h2")
        self.assertEqual(
            found.attributes["aria-labelledby"], heading.attributes["id"]
        )
        self.assertEqual(found.text, "Pareto front So.")


class ScrollingTest(test_util.TestCase):
    def test_tables_can_be_scrolled_by_key(self):
        page = read(parts.scrolling("Sizes", [["a", "b"], ["c", "d"]]))
        (box,) = page.all("div", "scroll")
        self.assertEqual(box.attributes["tabindex"], "0")
        self.assertEqual(box.attributes["role"], "region")
        self.assertEqual(box.attributes["aria-label"], "Sizes")
        scopes = [cell.attributes["scope"] for cell in page.all("th")]
        self.assertEqual(scopes, ["col", "col", "row"])


class NotesTest(test_util.TestCase):
    def test_each_is_an_item(self):
        items = read(parts.notes(["a < b", "c"])).all("li")
        self.assertEqual([item.text for item in items], ["a < b", "c"])


class MeterTest(test_util.TestCase):
    @parameterized.parameters(
        (1, 4, "25.0"), (0, 4, "0.0"), (None, 4, "100.0"), (3, None, "100.0")
    )
    def test_width_is_the_share(self, part, whole, width):
        (bar,) = read(parts.meter(part, whole)).all("i")
        self.assertEqual(bar.attributes["style"], f"width:{width}%")


if __name__ == "__main__":
    absltest.main()
