"""Tests of the HTML report as a whole."""

import os
import re
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0 import report
from keras_l0.report.html import page
from tests import test_util
from tests.export import models
from tests.report.html import pages

EVIL = '<script>alert("&")</script>'
COMPARISON = report.Comparison(
    (
        report.ModelFigures("dense", 1000, 8000, 500, 700, 400, 0.5, 0.3),
        report.ModelFigures("stripped", 100, 2000, 60, 90, 50, 0.25, 0.2),
    ),
    {"stripped model": 2e-7},
    3.5,
    64,
    notes=(f"note {EVIL}",),
)
FRONT = report.ParetoFront(
    f"val {EVIL}",
    "max",
    "macs",
    (report.ParetoPoint(1, 0.5, 10, 80, f"{EVIL}.keras"),),
)
HISTORY = {f"loss {EVIL}": [0.5, 0.25]}


def everything():
    gated = models.gated_image_model()
    return {
        "title": f"Title {EVIL}",
        "comparison": COMPARISON,
        "before": {f"layer {EVIL}": 3},
        "after": {f"layer {EVIL}": 2},
        "gated": gated,
        "history": HISTORY,
        "pareto": FRONT,
    }


class ToHtmlTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.create_tempdir().full_path, "report.html")

    def page(self, **kwargs):
        return pages.read(report.to_html(self.path, **kwargs))

    def headings(self, **kwargs):
        return [heading.text for heading in self.page(**kwargs).all("h2")]

    def test_file_is_what_is_returned(self):
        text = report.to_html(self.path, **everything())
        with open(self.path, encoding="utf-8") as file:
            self.assertEqual(file.read(), text)
        self.assertStartsWith(text, "<!DOCTYPE html>\n<html")

    def test_every_part_has_its_section(self):
        self.assertEqual(
            self.headings(**everything()),
            [
                "Comparison",
                "Layers",
                "Gates",
                "Training",
                "Pareto front",
                "Notes",
            ],
        )

    @parameterized.parameters(
        ({"comparison": COMPARISON}, ["Comparison", "Notes"]),
        ({"before": {"a": 3}}, ["Layers"]),
        ({"after": {"a": 3}}, ["Layers"]),
        ({"history": HISTORY}, ["Training"]),
        ({"pareto": FRONT}, ["Pareto front"]),
        ({"pareto": [*FRONT.points]}, ["Pareto front"]),
        ({"pareto": []}, []),
        ({"history": {}}, []),
    )
    def test_one_part_is_enough(self, parts, headings):
        self.assertEqual(self.headings(**parts), headings)

    def test_text_is_escaped_everywhere(self):
        text = report.to_html(self.path, **everything())
        self.assertNotIn("<script", text)
        page = pages.read(text)
        for expected in (
            f"Title {EVIL}",
            f"layer {EVIL}",
            f"loss {EVIL}",
            f"note {EVIL}",
            f"{EVIL}.keras",
            f"val {EVIL}",
        ):
            self.assertIn(expected, page.text)
        (head,) = page.all("head")
        self.assertEqual(head.all("title")[0].text, f"Title {EVIL}")

    def test_page_needs_nothing_else(self):
        text = report.to_html(self.path, **everything())
        self.assertEmpty(re.findall(r"https?:|src=|href=|@import|url\(", text))
        metas = {
            meta.attributes.get("http-equiv")
            or meta.attributes.get("name"): meta.attributes.get("content")
            for meta in pages.read(text).all("meta")
        }
        self.assertIn("default-src 'none'", metas["Content-Security-Policy"])
        self.assertIn("width=device-width", metas["viewport"])

    def test_pictures_are_described(self):
        page = self.page(**everything())
        charts = page.all("svg", "chart")
        self.assertLen(charts, 4)  # two gate vectors, loss, front
        for chart in charts:
            self.assertNotEmpty(chart.attributes["aria-label"])
        self.assertEqual(page.all("html")[0].attributes["lang"], "en")
        ids = [h.attributes["id"] for h in page.all("h2")]
        self.assertLen(set(ids), len(ids))

    def test_gated_model_alone_shows_what_stripping_brings(self):
        gated = models.gated_image_model()
        small = keras_l0.strip_gates(gated)
        page = self.page(gated=gated)
        first, _ = page.all("div", "box")[:2]
        before = keras_l0.cost.count(gated).params
        self.assertIn(f"{before:,} \N{RIGHTWARDS ARROW} ", first.text)
        self.assertIn(f"{small.count_params():,}", first.text)
        (layers,) = page.all("ul", "layers")
        self.assertIn("6 \N{RIGHTWARDS ARROW} 4 units", layers.text)

    def test_gated_model_is_not_touched(self):
        gated = models.gated_image_model()
        before = gated.get_weights()
        report.to_html(self.path, gated=gated)
        for one, other in zip(before, gated.get_weights(), strict=True):
            self.assertAllEqual(one, other)

    def test_barriers_are_noted(self):
        x = keras.Input((4,))
        hidden = keras_l0.L0Gate(keras.layers.Dense(6), name="hidden")(x)
        hidden = keras.layers.Softmax(name="soft")(hidden)
        gated = models.close_every_third(
            keras.Model(x, keras.layers.Dense(2)(hidden))
        )
        (notes,) = self.page(gated=gated).all("ul", "notes")
        self.assertIn("soft (Softmax) was left whole: ", notes.text)

    def test_network_that_cannot_be_stripped_is_noted(self):
        gated = models.gated_image_model()
        for vector in keras_l0.layers.gate_vectors(gated).values():
            vector.logits.assign(np.full(vector.num_gates, -9.0))
        page = self.page(gated=gated)
        (notes,) = page.all("ul", "notes")
        self.assertStartsWith(notes.text, "The network cannot be stripped: All")
        self.assertIn("0 of 6 open", page.text)

    def test_models_and_history_of_fit(self):
        gated = models.gated_image_model()
        gated.compile("sgd", "mse")
        x, y = np.ones((4, 6, 6, 2)), np.ones((4, 3))
        history = gated.fit(x, y, epochs=2, verbose=0)
        small = keras_l0.strip_gates(gated)
        headings = self.headings(before=gated, after=small, history=history)
        self.assertEqual(headings, ["Layers", "Training"])

    def test_failure_leaves_the_old_page(self):
        with open(self.path, "w") as file:
            file.write("old")
        with mock.patch.object(os, "replace", side_effect=OSError("full")):
            with self.assertRaisesRegex(OSError, "full"):
                report.to_html(self.path, history=HISTORY)
        folder = os.path.dirname(self.path)
        self.assertEqual(os.listdir(folder), ["report.html"])
        with open(self.path) as file:
            self.assertEqual(file.read(), "old")

    @parameterized.parameters(
        ({}, ValueError, "needs something to report"),
        ({"title": "a"}, ValueError, "needs something to report"),
        ({"before": {}, "title": 3}, TypeError, "`title` must be a string"),
        ({"comparison": {}}, TypeError, "`comparison` must be a `keras_l0"),
        ({"before": 3}, TypeError, "`before` must be a `keras.Model`"),
        ({"after": 3}, TypeError, "`after` must be a `keras.Model`"),
        ({"gated": 3}, TypeError, "`gated` must be a `keras.Model`"),
        ({"history": 3}, TypeError, "`history` must be what `fit` returns"),
        ({"pareto": 3}, TypeError, "`pareto` must be a `ParetoFront`"),
    )
    def test_bad_arguments(self, arguments, error, words):
        with self.assertRaisesRegex(error, words):
            report.to_html(self.path, **arguments)
        self.assertFalse(os.path.exists(self.path))

    def test_model_without_gates_raises(self):
        with self.assertRaisesRegex(ValueError, "`gated` must be a model with"):
            report.to_html(self.path, gated=models.embedding_model())

    def test_path_is_checked_before_the_work(self):
        path = os.path.join(os.path.dirname(self.path), "none", "report.html")
        with mock.patch.object(page, "strip_gates") as strip:
            with self.assertRaisesRegex(FileNotFoundError, "`path` lies"):
                report.to_html(path, gated=models.gated_image_model())
        strip.assert_not_called()


if __name__ == "__main__":
    absltest.main()
