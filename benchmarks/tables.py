"""Turns the JSON results into the tables of the documentation.

    python -m benchmarks.tables

replaces what lies between `<!-- table: NAME -->` and `<!-- end -->` in
`docs/reproduction.md` and `docs/performance.md`.
"""

import glob
import os
import re
import statistics
from collections.abc import Sequence

from absl import app
from absl import flags

from benchmarks import records
from benchmarks.recipes import PUBLISHED

_RESULTS_DIR = flags.DEFINE_string(
    "tables_results_dir", "benchmarks/results", "Where the JSON files are."
)
_DOCS_DIR = flags.DEFINE_string("docs_dir", "docs", "Where the pages are.")

_REPRODUCTION_HEAD = (
    "network",
    "row",
    "recipe",
    "architecture",
    "% left",
    "% expected",
    "test error %",
    "validation error %",
    "seeds",
    "minutes",
)
_FAMILIES_HEAD = (
    "family",
    "gate rate",
    "price",
    "seed",
    "architecture",
    "% left",
    "validation error %",
    "test error %",
)
_CIFAR_HEAD = (
    "row",
    "l0",
    "epochs",
    "parameters",
    "MACs",
    "validation error %",
    "test error %",
    "seeds",
)
_STEP_COST_HEAD = (
    "case",
    "dense ms",
    "gated ms",
    "ratio",
    "quartiles",
    "wanted",
)


def markdown(head: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table.

    Example:

    >>> from benchmarks import tables
    >>> print(tables.markdown(["case", "ratio"], [["inputs", 1.2]]))
    | case | ratio |
    |---|---|
    | inputs | 1.2 |
    """
    lines = [head, *rows]
    text = ["| " + " | ".join(map(str, line)) + " |" for line in lines]
    text.insert(1, "|" + "---|" * len(head))
    return "\n".join(text)


def reproduction(runs: Sequence[dict]) -> str:
    """Each published row, and below it ours: one line per recipe.

    Args:
        runs: Records of `benchmarks.reproduce`.

    Returns:
        table: Markdown. Mean and range over the seeds.
    """
    rows = []
    for network, row in PUBLISHED:
        groups = _by_recipe(runs, network, row)
        if groups:
            rows.append(_published_line(network, row))
            rows += [_line(name, group) for name, group in groups]
    return markdown(_REPRODUCTION_HEAD, rows)


def unpublished(runs: Sequence[dict]) -> str:
    """The rows that no paper prints, or none completely: one line for each.

    Args:
        runs: Records of `benchmarks.reproduce`.

    Returns:
        table: Markdown. Mean and range over the seeds.
    """
    keys = {(run["network"], run["row"]) for run in runs} - {*PUBLISHED}
    rows = [
        _line(name, group)
        for network, row in sorted(keys)
        for name, group in _by_recipe(runs, network, row)
    ]
    return markdown(_REPRODUCTION_HEAD, rows)


def _by_recipe(runs, network, row):
    groups = {}
    for run in sorted(runs, key=lambda run: run["seed"]):
        if (run["network"], run["row"]) == (network, row):
            groups.setdefault(run["recipe_name"], []).append(run)
    return sorted(groups.items(), reverse=True)


def _published_line(network, row):
    units, percent, error = PUBLISHED[network, row]
    architecture = "-".join(map(str, units))
    cells = (network, row, "paper", architecture, percent, "", error)
    return (*cells, *[""] * (len(_REPRODUCTION_HEAD) - len(cells)))


def _line(recipe_name, group):
    first = group[0]
    return (
        first["network"],
        first["row"],
        recipe_name,
        ", ".join(run["architecture"] for run in group),
        _spread(group, "percent_left"),
        _spread(group, "expected_percent_left"),
        _spread(group, "test_error"),
        _spread(group, "validation_error"),
        ", ".join(str(run["seed"]) for run in group),
        round(statistics.mean(run["seconds"] for run in group) / 60, 1),
    )


def _spread(group, key):
    values = [run[key] for run in group]
    mean = f"{statistics.mean(values):.2f}"
    if len(values) == 1:
        return mean
    each = ", ".join(f"{value:.2f}" for value in values)
    return f"{mean} ({each})"


def families(runs: Sequence[dict]) -> str:
    """The table of records of `benchmarks.families`."""
    order = ("family", "gate_learning_rate", "price", "seed")
    runs = sorted(runs, key=lambda run: [run[key] for key in order])
    return markdown(_FAMILIES_HEAD, [_family_line(run) for run in runs])


def _family_line(run):
    test = run["test_error"]
    return (
        run["family"],
        run["gate_learning_rate"],
        run["price"],
        run["seed"],
        run["architecture"],
        f"{run['percent_left']:.2f}",
        f"{run['validation_error']:.2f}",
        "" if test is None else f"{test:.2f}",
    )


def cifar(runs: Sequence[dict]) -> str:
    """The table of records of `benchmarks.cifar_pruning`: means over seeds."""
    rows = {}
    for run in runs:
        rows.setdefault((run["row"], run["l0"]), []).append(run)
    lines = [_cifar_line(*key, rows[key]) for key in sorted(rows, key=str)]
    return markdown(_CIFAR_HEAD, lines)


def _cifar_line(row, l0, runs):
    def mean(key, digits):
        values = [run[key] for run in runs if key in run]
        if not values:
            return ""
        middle = f"{statistics.mean(values):.{digits}f}"
        spread = statistics.stdev(values) if len(values) > 1 else 0.0
        return f"{middle} ± {spread:.{digits}f}" if len(values) > 1 else middle

    return (
        row,
        "" if l0 is None else f"{l0:g}",
        runs[0]["epochs"],
        mean("params", 3),
        mean("macs", 3),
        mean("validation_error", 1),
        mean("test_error", 1),
        ", ".join(str(run["seed"]) for run in runs),
    )


def step_cost(record: dict) -> str:
    """The table of one record of `benchmarks.step_cost`."""
    return markdown(_STEP_COST_HEAD, [_cost_line(c) for c in record["cases"]])


def _cost_line(case):
    low, high = case["ratio_quartiles"]
    return (
        case["case"],
        f"{case['dense_ms']:.2f}",
        f"{case['ms']:.2f}",
        f"{case['ratio']:.2f}",
        f"{low:.2f} to {high:.2f}",
        "" if case["target"] is None else f"{case['target']:.2f}",
    )


def replace(path: str, name: str, table: str) -> None:
    """Puts `table` between the two marks of `name` in a page.

    Raises:
        ValueError: if the page has no such marks.
    """
    with open(path) as file:
        text = file.read()
    begin = f"<!-- table: {name} -->\n"
    pattern = re.compile(f"{re.escape(begin)}.*?<!-- end -->", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(
            f"'{path}' has no marks for the table. Expected a line "
            f"'{begin.strip()}' and, below it, '<!-- end -->'."
        )
    new = f"{begin}{table}\n<!-- end -->"
    with open(path, "w") as file:
        file.write(pattern.sub(lambda _: new, text))


def main(argv: list[str]) -> None:
    paths = glob.glob(os.path.join(_RESULTS_DIR.value, "*-seed*.json"))
    runs = [records.read(path) for path in sorted(paths)]
    page = os.path.join(_DOCS_DIR.value, "reproduction.md")
    replace(page, "reproduction", reproduction(runs))
    replace(page, "unpublished", unpublished(runs))
    found = glob.glob(
        os.path.join(_RESULTS_DIR.value, "cifar_pruning", "*.json")
    )
    if found:
        table = cifar([records.read(path) for path in sorted(found)])
        replace(page, "cifar", table)
    found = glob.glob(os.path.join(_RESULTS_DIR.value, "families", "*.json"))
    if found:
        page = os.path.join(_DOCS_DIR.value, "methods.md")
        table = families([records.read(path) for path in found])
        replace(page, "families", table)
    record = records.read(os.path.join(_RESULTS_DIR.value, "step_cost.json"))
    page = os.path.join(_DOCS_DIR.value, "performance.md")
    replace(page, "step_cost", step_cost(record))


if __name__ == "__main__":
    app.run(main)
