"""Tests of the report of strip_gates."""

import json

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

import keras_l0
from keras_l0.surgery import Barrier
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import outputs


class Own(layers.LayerNormalization):
    def call(self, inputs):
        return super().call(inputs) * 2.0


class StripReportTest(StripTestCase):
    policy = "float32"

    def setUp(self):
        super().setUp()
        x = keras.Input((5, 5, 2), name="image")
        conv = layers.Conv2D(4, 3, activation="sigmoid", name="conv")
        y = self.gate(layers.ReLU(), [1, 0, 0.5, 0], name="gate")(conv(x))
        y = layers.Conv2D(3, 1, name="mixed")(layers.ReLU()(y))
        y = Own(name="barrier")(y)
        y = layers.Flatten()(y)
        self.model = self.finish(x, layers.Dense(2, name="last")(y))
        self.small, self.report = self.strip(self.model)

    def rows(self):
        return {row.name: row for row in self.report.layers}

    def test_layers(self):
        self.assertEqual(
            list(self.rows()), ["conv", "mixed", "barrier", "last"]
        )
        for name, kind, before, after in (
            ("conv", "Conv2D", 4, 2),
            ("mixed", "Conv2D", 3, 3),
            ("barrier", "Own", 3, 3),
            ("last", "Dense", 2, 2),
        ):
            row = self.rows()[name]
            self.assertEqual(row.layer, kind)
            self.assertEqual(
                (row.units_before, row.units_after), (before, after)
            )

    def test_barriers_and_their_reasons(self):
        (row,) = self.report.barriers
        self.assertEqual((row.name, row.layer), ("barrier", "Own"))
        self.assertIs(row.reason, Barrier.OVERRIDDEN_CALL)

    def test_folded_constants_are_counted(self):
        x = keras.Input((2,))
        y = self.gate(layers.Dense(3, name="first"), [0, 0, 1])(x)
        y = layers.Activation("sigmoid")(y)
        y = layers.Dense(4, name="second")(y)
        y = self.gate(layers.BatchNormalization(name="norm"), [1, 1, 1, 0])(y)
        dead = self.gate(layers.Dense(4, activation="gelu"), [0, 0, 0, 0])(x)
        dead = layers.Activation("softplus")(dead)
        y = layers.Add(name="sum")([y, dead])
        _, self.report = self.strip(self.finish(x, y))
        folded = {name: row.folded for name, row in self.rows().items()}
        # sigmoid(0) of two units; softplus(0) of the three that stay live.
        self.assertEqual(folded["second"], 2)
        self.assertEqual(folded["sum"], 3)
        self.assertEqual(folded["first"], 0)

    def test_layer_that_is_gone(self):
        x = keras.Input((2,))
        dead = self.gate(layers.Dense(3, name="dead"), [0, 0, 0])(x)
        y = layers.Add()([layers.Dense(3)(x), dead])
        _, self.report = self.strip(self.finish(x, y))
        row = self.rows()["dead"]
        self.assertEqual((row.units_before, row.units_after), (3, 0))

    def test_params_and_macs(self):
        # conv, mixed, barrier, last; 3 x 3 positions each.
        self.assertEqual(
            self.report.params_before,
            (9 * 2 + 1) * 4 + (4 + 1) * 3 + 6 + (27 + 1) * 2,
        )
        self.assertEqual(
            self.report.params_after,
            (9 * 2 + 1) * 2 + (2 + 1) * 3 + 6 + (27 + 1) * 2,
        )
        self.assertEqual(
            self.report.macs_before, 9 * (9 * 2 * 4 + 4 * 3) + 27 * 2
        )
        self.assertEqual(
            self.report.macs_after, 9 * (9 * 2 * 2 + 2 * 3) + 27 * 2
        )
        self.assertEqual(self.report.params_after, self.small.count_params())

    def test_differences_are_measured_on_the_probe(self):
        probe = self.rng.normal(size=(3, 5, 5, 2)).astype("float32")
        _, report = keras_l0.strip_gates(self.model, True, probe)
        (old,), (new,) = (outputs(m, probe) for m in (self.model, self.small))
        # The same two models on the same data, but for the order of sums.
        rounding = 64 * 2**-24 * np.abs(old).max()
        self.assertAlmostEqual(
            report.max_difference, np.abs(old - new).max(), delta=rounding
        )
        self.assertAlmostEqual(
            report.output_scale, np.abs(old).max(), delta=rounding
        )

    def test_probe_that_does_not_fit_raises(self):
        with self.assertRaisesRegex(ValueError, "`probe` must have the shape"):
            keras_l0.strip_gates(self.model, True, np.zeros((3, 4)))

    def test_text(self):
        text = str(self.report)
        self.assertRegex(text, r"conv +Conv2D +4 -> 2 +0")
        self.assertRegex(text, "params 153 -> 109, MACs 810 -> 432")
        self.assertIn("left whole: barrier (Own): the class overrides", text)
        self.assertRegex(text, r"largest difference \d\.\d\de[-+]\d+")

    def test_dict_and_json(self):
        record = self.report.to_dict()
        self.assertEqual(json.loads(self.report.to_json()), record)
        self.assertEqual(record["barriers"][0]["reason"], "OVERRIDDEN_CALL")
        self.assertEqual(
            record["layers"][0],
            {
                "name": "conv",
                "layer": "Conv2D",
                "units_before": 4,
                "units_after": 2,
                "folded": 0,
            },
        )
        self.assertEqual(record["params_after"], self.report.params_after)

    def test_names_lead_into_nested_models(self):
        x = keras.Input((2,))
        gated = self.gate(layers.Dense(3, name="dense"), [0, 1, 1])
        inner = keras.Sequential([keras.Input((2,)), gated], name="inner")
        _, self.report = self.strip(self.finish(x, inner(x)))
        self.assertEqual(list(self.rows()), ["inner/dense"])


if __name__ == "__main__":
    absltest.main()
