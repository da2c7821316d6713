"""Tests of `keras-l0 latency`."""

from absl.testing import absltest

import keras_l0
from tests.cli import command_case
from tests.export import models

FAST = ("--runs=1", "--widths=2,3")


class LatencyTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.save_gated()

    def widths(self, *flags):
        found = self.document("latency", "gated.keras", *FAST, *flags)
        return {
            layer["class"]: [time["width"] for time in layer["times"]]
            for layer in found["layers"]
        }

    def test_layers(self):
        self.assertEqual(self.widths(), {"Conv2D": [2, 3, 6]})
        self.assertEqual(self.widths("--layer=dense"), {"Dense": [2, 3, 9]})

    def test_every_layer(self):
        text = self.answer("latency", "gated.keras", *FAST, "--all")
        for head in ("conv2d (Conv2D)", "dense (Dense)", "dense_1 (Dense)"):
            self.assertIn(f"\n\n{head}, ", text)

    def test_auto(self):
        found = self.document("latency", "gated.keras", "--runs=1")
        (layer,) = found["layers"]
        self.assertLen(layer["times"], 6)
        self.assertIsNotNone(layer["round_to"])

    def test_usage(self):
        for words, *flags in (
            ("`--widths` must be auto or", "--widths=8,x"),
            ("`--widths` must be auto or", "--widths="),
            ("`--widths` must be auto or", "--widths=0,8"),
            ("`--layer` and `--all`", "--layer=dense", "--all"),
            ("`--threads` must be a positive", "--threads=0"),
        ):
            # Nothing is loaded to find this out.
            self.assert_refuses(2, words, "latency", "none.keras", *flags)

    def test_bad_input(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        for words, path, *flags in (
            ("there is no layer to time", "saved"),
            ("fits no layer", "gated.keras", "--layer=nothing"),
        ):
            self.assert_refuses(1, words, "latency", path, *flags)


if __name__ == "__main__":
    absltest.main()
