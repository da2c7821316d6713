"""Tests of the matrix: no cell is empty, and an empty one is found."""

import dataclasses

from absl.testing import absltest

from tests import descriptors
from tests.conformance import matrix
from tests.conformance.properties import Property


class MatrixTest(absltest.TestCase):
    def test_no_cell_is_empty(self):
        self.assertEqual(matrix.empty_cells(matrix.properties()), [])

    def test_no_excuse_is_idle(self):
        self.assertEqual(matrix.idle_excuses(matrix.properties()), [])

    def test_properties_have_names_of_their_own(self):
        names = [found.name for found in matrix.properties()]
        self.assertLen({*names}, len(names))
        self.assertGreaterEqual(len(names), 20)

    def test_finds_empty_cells_and_idle_excuses(self):
        tables = [name for name in descriptors.TABLES if name != "MODELS"]
        excused = dict.fromkeys(tables, "because")
        found = Property("new", (), excused)
        self.assertEqual(
            matrix.empty_cells([found]), ["functional_l0_model: new"]
        )
        whole = dataclasses.replace(found, rows=descriptors.MODELS)
        self.assertEqual(matrix.empty_cells([whole]), [])
        self.assertEqual(matrix.idle_excuses([whole]), ["new: METRICS"])
        more = {**excused, "functional_l0_model": "x", "nobody": "x"}
        idle = dataclasses.replace(whole, excused=more)
        self.assertEqual(
            matrix.idle_excuses([idle]),
            ["new: METRICS", "new: functional_l0_model", "new: nobody"],
        )

    def test_text_shows_each_row_in_80_columns(self):
        text = matrix.text(matrix.properties())
        lines = text.splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        for _, row in matrix.rows():
            (line,) = [line for line in lines if line.split(" ")[0] == row.name]
            self.assertNotIn(matrix.EMPTY, line)
        for found in matrix.properties():
            self.assertRegex(text, rf"(?m)^[a-z]  {found.name}$")


if __name__ == "__main__":
    absltest.main()
