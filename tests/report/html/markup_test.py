"""Tests of the HTML that is built: everything is escaped."""

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.report.html import markup
from keras_l0.report.html.markup import element
from tests import test_util


class ElementTest(test_util.TestCase):
    @parameterized.parameters(
        (("a < b",), {}, "<p>a &lt; b</p>"),
        (("\"&'",), {}, "<p>&quot;&amp;&#x27;</p>"),
        ((3, None, ["x", ["y"]]), {}, "<p>3xy</p>"),
        ((), {"class_": "a b"}, '<p class="a b"></p>'),
        ((), {"aria_label": '">&'}, '<p aria-label="&quot;&gt;&amp;"></p>'),
        ((), {"hidden": True, "id": None, "open": False}, "<p hidden></p>"),
        ((), {"x": 1.0, "y": 0.125, "z": 100.0}, '<p x="1" y="0.12" z="100">'),
    )
    def test_children_and_attributes(self, children, attributes, expected):
        found = element("p", *children, **attributes)
        self.assertStartsWith(found, expected)

    def test_markup_stays(self):
        inner = element("b", "<")
        self.assertEqual(element("p", inner), "<p><b>&lt;</b></p>")

    def test_void_elements_have_no_end(self):
        self.assertEqual(element("meta", charset="x"), '<meta charset="x">')

    def test_joined(self):
        self.assertEqual(markup.joined(["<", element("i")]), "&lt;<i></i>")


if __name__ == "__main__":
    absltest.main()
