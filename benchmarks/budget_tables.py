"""Puts the results about budgets into `docs/budget.md`.

    python -m benchmarks.budget_tables

A table whose results are not there stays as it is.
"""

import glob
import os
import statistics

from absl import app

from benchmarks import records
from benchmarks.tables import markdown
from benchmarks.tables import replace

_RESULTS = "benchmarks/results"
_PAGE = "docs/budget.md"


def invariant(record: dict) -> str:
    """The table of `benchmarks.cost_invariant`."""
    models = record["models"].values()
    rows = [
        (
            "keras.applications",
            len(models),
            sum(entry["exact"] for entry in models),
            sum(entry["polynomial"] for entry in models),
        )
    ]
    if "random" in record:
        found = record["random"]
        rows.append(
            (
                f"random networks ({found['refused']} more are refused)",
                found["networks"],
                found["exact"],
                found["polynomial"],
            )
        )
    head = ("", "networks", "`expected_cost` equal", "`CostModel` equal")
    return markdown(head, rows)


def budgets(rows: list[dict]) -> str:
    """The table of `benchmarks.budgets`."""
    head = (
        "network",
        "budget",
        "MACs",
        "params",
        "over the budget",
        "accuracy before",
        "after",
        "fewest units left",
    )
    return markdown(head, [_budget(row) for row in rows])


def _budget(row):
    ((kind, limit),) = row["budget"].items()
    fewest = min(row["open"], key=lambda name: row["open"][name])
    return (
        row["network"],
        f"{kind} {limit}",
        f"{row['macs']:.4f}",
        f"{row['params']:.4f}",
        f"{100 * (row[kind] / limit - 1):+.2f} %",
        f"{100 * row['dense_accuracy']:.1f} %",
        f"{100 * row['accuracy']:.1f} %",
        f"{row['open'][fewest]} of {row['gates'][fewest]} ({fewest})",
    )


def accuracy(rows: list[dict]) -> str:
    """The table of `benchmarks.budget_accuracy`."""
    groups: dict[tuple, list[dict]] = {}
    for row in rows:
        groups.setdefault((row["network"], row["row"]), []).append(row)
    head = ("network", "row", "MACs", "params", "test accuracy", "seeds")
    return markdown(
        head, [_accuracy(*key, group) for key, group in groups.items()]
    )


def _accuracy(network, row, group):
    values = [100 * entry["test_accuracy"] for entry in group]
    spread = f" ± {statistics.stdev(values):.2f}" if values[1:] else ""
    mean = {
        kind: statistics.mean(entry[kind] for entry in group)
        for kind in ("macs", "params")
    }
    return (
        network,
        row,
        f"{mean['macs']:.3f}",
        f"{mean['params']:.3f}",
        f"{statistics.mean(values):.2f}{spread} %",
        len(values),
    )


def _all(folder):
    paths = sorted(glob.glob(os.path.join(_RESULTS, folder, "*.json")))
    return [records.read(path) for path in paths]


def main(argv: list[str]) -> None:
    path = os.path.join(_RESULTS, "cost_invariant.json")
    if os.path.exists(path):
        replace(_PAGE, "cost_invariant", invariant(records.read(path)))
    for name, table in (("budgets", budgets), ("budget_accuracy", accuracy)):
        rows = _all(name)
        if rows:
            replace(_PAGE, name, table(rows))


if __name__ == "__main__":
    app.run(main)
