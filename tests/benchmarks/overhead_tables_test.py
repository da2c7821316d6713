"""Tests the tables of what training costs, and the picture."""

import os

from absl.testing import absltest
from absl.testing import flagsaver

from benchmarks import overhead_tables
from benchmarks import records
from benchmarks import time_figure

_CASE = {
    "network": "lenet5",
    "on": "units",
    "family": "arm",
    "jit_compile": False,
    "wanted": 1.05,
    "ratio": 1.04,
    "ratio_quartiles": [1.0, 1.1],
    "memory": {"peak": 1.01, "training": 1.2},
}


def _run(row, seed, errors, seconds):
    entries = [
        {
            "seconds": seconds * (number + 1),
            "cpu_seconds": seconds * (number + 1),
            "epochs_spent": float(number + 1),
            "test_error": error,
        }
        for number, error in enumerate(errors)
    ]
    return {
        "network": "lenet5",
        "row": row,
        "seed": seed,
        "macs": 0.25,
        "cuts": [{}],
        "setting": {"margin": 0.05, "wanted": 0.4},
        "entries": entries,
    }


_RUNS = [
    _run("dense", 0, [3.0, 1.0], 10),
    _run("dense", 1, [2.0, 2.0], 10),
    _run("compact", 0, [2.0, 1.2, 1.05], 4),
    _run("compact", 1, [3.0, 2.5, 2.4], 4),
]


class OverheadTablesTest(absltest.TestCase):
    def test_overhead_has_both_compilers_in_a_line(self):
        xla = {**_CASE, "jit_compile": True, "ratio": 1.5, "memory": None}
        table = overhead_tables.overhead({"cases": [_CASE, xla]})
        self.assertEndsWith(
            table,
            "| lenet5 | units | arm | 1.04 | 1.00 to 1.10 | 1.50 |"
            " 1.00 to 1.10 | 1.05 | 1.01 (1.20) |  |",
        )

    def test_overhead_of_what_failed(self):
        case = {**_CASE, "wanted": None, "error": "no"}
        del case["ratio"], case["memory"]
        table = overhead_tables.overhead({"cases": [case]})
        self.assertEndsWith(table, "| arm | fails |  |  |  |  |  |  |")

    def test_leaks(self):
        entry = {"growth": 0.0123, "files": 0, "retraces": 0, "family": "arm"}
        entry["seen"] = [{"step": 1000}, {"step": 10000}]
        self.assertEndsWith(
            overhead_tables.leaks({"families": [entry]}),
            "| arm | 1,000 | 10,000 | +1.23 % | +0 | 0 |",
        )

    def test_accuracy_counts_who_got_there(self):
        lines = overhead_tables.accuracy(_RUNS).splitlines()
        self.assertLen(lines, 4)
        # Dense got there at its end, and with the other seed in the middle.
        self.assertEqual(
            lines[2].split(" | ")[4:9], ["1.00"] * 2 + ["0.75"] * 3
        )
        self.assertEqual(
            lines[3].split(" | ")[4:10],
            [
                "0.60",
                "0.40",
                "0.60 (1 of 2)",
                "0.60 (1 of 2)",
                "1.50 (1 of 2)",
                "0.40, +0.05 points",
            ],
        )

    def test_main_fills_the_page(self):
        folder = self.create_tempdir().full_path
        page = os.path.join(folder, "page.md")
        names = ("step_overhead", "step_leaks", "time_to_accuracy")
        with open(page, "w") as file:
            for name in names:
                file.write(f"<!-- table: {name} -->\nold\n<!-- end -->\n")
        records.write(f"{folder}/step_overhead.json", {"cases": [_CASE]})
        for run in _RUNS:
            name = f"{run['row']}{run['seed']}.json"
            records.write(f"{folder}/time_to_accuracy/{name}", run)
        picture = os.path.join(folder, "figures", "time.png")
        with flagsaver.flagsaver(
            overhead_results_dir=folder, overhead_page=page, time_figure=picture
        ):
            overhead_tables.main([])
        with open(page) as file:
            text = file.read()
        self.assertEqual(text.count("old"), 1)  # There are no leaks to tell.
        self.assertGreater(os.path.getsize(picture), 10_000)

    def test_curve_is_the_mean_of_the_epochs_that_all_have(self):
        runs = [*_RUNS, _run("compact", 2, [4.0, 1.5], 7)]
        x, y = time_figure.curve(runs, "lenet5", "compact", "cpu_seconds")
        self.assertEqual(x, [5.0, 10.0])
        self.assertEqual(y, [3.0, (1.2 + 2.5 + 1.5) / 3])


if __name__ == "__main__":
    absltest.main()
