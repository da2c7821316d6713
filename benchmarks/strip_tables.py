"""Puts the results about stripping and gating into the documentation.

    python -m benchmarks.strip_tables

replaces the tables of `docs/strip.md` and `docs/gating.md`; a table whose JSON
file is not there stays as it is.
"""

import os
from collections.abc import Sequence

from absl import app

from benchmarks import records
from benchmarks.tables import markdown
from benchmarks.tables import replace

_RESULTS = "benchmarks/results"
_TIMES = ("dense", "stripped", "by hand", "to hand", "to dense")


def coverage(record: dict) -> str:
    """The table of `benchmarks.strip_coverage`."""
    head = (
        "model",
        "image",
        "gated",
        "params",
        "left",
        "MACs",
        "left",
        "largest difference",
        "barriers",
    )
    rows = [
        (
            entry["model"],
            entry["input"],
            entry["gates"],
            f"{entry['params'][0]:,}",
            _percent(entry["params"]),
            f"{entry['macs'][0]:,}",
            _percent(entry["macs"]),
            f"{entry['difference']:.0e}",
            _counted(entry["barriers"]),
        )
        for entry in record["models"].values()
    ]
    return markdown(head, rows)


def gating(record: dict) -> str:
    """The table of `benchmarks.gating_coverage`."""
    head = ("model", "layers", "gated", "vectors", "ungated", "bit for bit")
    rows = [
        (
            name,
            entry["layers"],
            entry["gated"],
            entry["vectors"],
            _counted(entry["reasons"]),
            "equal" if entry["equal"] else "different",
        )
        for name, entry in record["models"].items()
    ]
    return markdown(head, rows)


def latency(record: dict) -> str:
    """The table of `benchmarks.strip_latency`."""
    head = (
        "network",
        "round_to",
        "as",
        "dense ms",
        "stripped ms",
        "by hand ms",
        "to by hand",
        "to dense",
    )
    rows = [
        (
            entry["network"],
            entry["round_to"],
            kind,
            *(_number(entry[kind].get(key)) for key in _TIMES),
        )
        for entry in record["networks"]
        for kind in ("SavedModel", "LiteRT")
    ]
    return markdown(head, rows)


def _number(value):
    return "" if value is None else f"{value:.2f}"


def fuzz(record: dict) -> str:
    """The table of `benchmarks.strip_fuzz`."""
    kinds = ("smaller", "same size", "refused", "mismatch", "error")
    counts = [record["outcomes"].get(kind, 0) for kind in kinds]
    head = ("networks", *kinds, "worst, of what is allowed")
    return markdown(head, [(sum(counts), *counts, f"{record['worst']:.2f}")])


def _percent(pair: Sequence[int]) -> str:
    return f"{100 * pair[1] / pair[0]:.0f} %"


def _counted(counts: dict) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


TABLES = {
    "strip_coverage": ("docs/strip.md", coverage),
    "strip_fuzz": ("docs/strip.md", fuzz),
    "strip_latency": ("docs/strip.md", latency),
    "gating_coverage": ("docs/gating.md", gating),
}


def main(argv: list[str]) -> None:
    for name, (page, table) in TABLES.items():
        path = os.path.join(_RESULTS, f"{name}.json")
        if os.path.exists(path):
            replace(page, name, table(records.read(path)))


if __name__ == "__main__":
    app.run(main)
