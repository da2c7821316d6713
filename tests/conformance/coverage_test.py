"""Tests that each public class is in the table of tests/descriptors.py."""

import inspect

import keras
from absl.testing import absltest

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import public_modules

BASES = {
    "LAYERS": keras.layers.Layer,
    "MODELS": keras.Model,
    "GATES": keras_l0.gates.Gate,
    "METRICS": keras.metrics.Metric,
    "CALLBACKS": keras.callbacks.Callback,
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
        for table, base in BASES.items():
            symbols = public_modules.public_symbols()
            rows = getattr(descriptors, table)
            lacking = lacking_a_row(symbols, base, rows)
            # The constructor of L0Model makes the class of MODELS.
            self.assertEmpty({*lacking} - {"keras_l0.L0Model"}, table)

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
        rows = sum((getattr(descriptors, table) for table in BASES), ())
        self.assertLen({row.name for row in rows}, len(rows))


if __name__ == "__main__":
    absltest.main()
