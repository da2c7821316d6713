"""Tests that each public class is in the tables of tests/descriptors.py."""

import inspect

import keras
import tensorflow_probability as tfp
from absl.testing import absltest

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import public_modules

BASES = {
    "LAYERS": keras.layers.Layer,
    "MODELS": keras.Model,
    "GATES": keras_l0.gates.Gate,
    "DISTRIBUTIONS": tfp.distributions.Distribution,
    "METRICS": keras.metrics.Metric,
    "CALLBACKS": keras.callbacks.Callback,
    "TRAINING": object,  # whatever is left
}
RESULT = "what a function returns: no part of a model, nor of training"
OTHERS = {
    "keras_l0.L0Model": "its constructor makes the class of MODELS",
    "keras_l0.distributions.GateDistribution": "an interface",
    "keras_l0.surgery.Barrier": "an exception",
    "keras_l0.budget.UnreachableBudgetError": "an exception",
    "keras_l0.surgery.Channels": "a value of the strip rules",
    "keras_l0.surgery.StripRule": "an interface, of what strips",
    "keras_l0.gates.WeightGroup": "an argument of gate families",
    **dict.fromkeys(
        (
            "keras_l0.budget.CostModel",
            "keras_l0.budget.ExpectedCost",
            "keras_l0.cost.Cost",
            "keras_l0.export.ExportResult",
            "keras_l0.gating.GateSite",
            "keras_l0.report.Comparison",
            "keras_l0.report.ModelFigures",
            "keras_l0.report.ParetoFront",
            "keras_l0.report.ParetoPoint",
            "keras_l0.surgery.StripReport",
        ),
        RESULT,
    ),
}


def lacking_a_row(symbols, base, rows):
    """Names of the classes of one kind that no row makes."""
    made = [row.cls for row in rows]
    return [
        name
        for name, symbol in symbols
        if inspect.isclass(symbol)
        and issubclass(symbol, base)
        and not inspect.isabstract(symbol)
        and symbol not in made
    ]


class CoverageTest(test_util.TestCase):
    def test_every_public_class_has_a_row(self):
        symbols = list(public_modules.public_symbols())
        rows = sum(descriptors.TABLES.values(), ())
        lacking = {
            name
            for base in BASES.values()
            for name in lacking_a_row(symbols, base, rows)
        }
        self.assertSetEqual(lacking, set(OTHERS))

    def test_rows_are_in_the_table_of_their_kind(self):
        for table, rows in descriptors.TABLES.items():
            for row in rows:
                self.assertIsInstance(row.make(), BASES[table], row.name)

    def test_finds_a_class_without_a_row(self):
        class Ours(keras.layers.Layer):
            pass

        symbols = [
            ("a", Ours),
            ("b", keras_l0.L0Gate),
            ("c", keras_l0.gates.Gate),
            ("d", 1),
            ("e", keras_l0.gates.HardConcrete),
        ]
        for table, missing in (("LAYERS", ["a"]), ("GATES", [])):
            rows = getattr(descriptors, table)
            self.assertEqual(
                lacking_a_row(symbols, BASES[table], rows), missing
            )
        self.assertEqual(lacking_a_row(symbols, BASES["GATES"], ()), ["e"])

    def test_names_of_rows_are_unique(self):
        rows = sum(descriptors.TABLES.values(), ())
        self.assertLen({row.name for row in rows}, len(rows))


if __name__ == "__main__":
    absltest.main()
