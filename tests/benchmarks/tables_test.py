"""Tests the tables and where they are put."""

import os

from absl.testing import absltest

from benchmarks import tables


def _run(seed, error, recipe="ours"):
    return {
        "network": "lenet5",
        "row": "separate",
        "recipe_name": recipe,
        "seed": seed,
        "architecture": f"8-1{seed}-60-20",
        "percent_left": 1.25,
        "expected_percent_left": 1.5,
        "test_error": error,
        "validation_error": 1.0,
        "seconds": 90,
    }


class TablesTest(absltest.TestCase):
    def test_published_row_is_above_ours(self):
        lines = tables.reproduction([_run(1, 1.1), _run(0, 0.9)]).splitlines()
        self.assertLen(lines, 4)
        self.assertIn("| 9-18-65-25 | 1.43 |", lines[2])
        self.assertIn("1.00 (0.90, 1.10)", lines[3])
        self.assertIn("8-10-60-20, 8-11-60-20", lines[3])

    def test_recipes_have_a_line_each(self):
        runs = [_run(0, 1.0), _run(0, 1.2, "published")]
        text = tables.reproduction(runs)
        self.assertRegex(text, r"(?s)\| paper .*\| published .*\| ours ")

    def test_row_that_no_paper_prints_is_in_the_other_table(self):
        other = {**_run(0, 1.0), "row": "dense"}
        runs = [_run(0, 1.2), other]
        self.assertNotIn("dense", tables.reproduction(runs))
        lines = tables.unpublished(runs).splitlines()
        self.assertLen(lines, 3)
        self.assertStartsWith(lines[2], "| lenet5 | dense | ours | 8-10-60-20")

    def test_step_cost_without_target(self):
        case = {
            "case": "a",
            "dense_ms": 2.0,
            "ms": 3.0,
            "ratio": 1.5,
            "ratio_quartiles": [1.4, 1.6],
            "target": None,
        }
        self.assertEndsWith(
            tables.step_cost({"cases": [case]}),
            "| a | 2.00 | 3.00 | 1.50 | 1.40 to 1.60 |  |",
        )

    def test_replace_keeps_the_rest_of_the_page(self):
        path = os.path.join(self.create_tempdir().full_path, "page.md")
        with open(path, "w") as file:
            file.write(
                "above\n<!-- table: t -->\nold\n<!-- end -->\nbelow\n"
                "<!-- table: u -->\nother\n<!-- end -->\n"
            )
        tables.replace(path, "t", "new \\1")
        tables.replace(path, "t", "new \\1")
        with open(path) as file:
            self.assertEqual(
                file.read(),
                "above\n<!-- table: t -->\nnew \\1\n<!-- end -->\nbelow\n"
                "<!-- table: u -->\nother\n<!-- end -->\n",
            )

    def test_replace_without_marks(self):
        path = os.path.join(self.create_tempdir().full_path, "page.md")
        with open(path, "w") as file:
            file.write("nothing\n")
        with self.assertRaisesRegex(ValueError, "no marks.*table: t"):
            tables.replace(path, "t", "new")


if __name__ == "__main__":
    absltest.main()
