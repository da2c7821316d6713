"""Puts what training costs, and what removing units saves, into the docs.

    python -m benchmarks.overhead_tables

fills the tables of `docs/performance.md` from the JSON files of
`step_overhead`, `step_leaks` and `time_to_accuracy`, and draws the picture of
the last. A table whose results are not there stays as it is. The picture
needs matplotlib: `pip install ".[plots]"`.
"""

import glob
import itertools
import os
import statistics
from collections.abc import Sequence

from absl import app
from absl import flags

from benchmarks import records
from benchmarks import time_figure
from benchmarks import time_to_accuracy
from benchmarks.accuracy_rows import ROWS
from benchmarks.step_overhead import WANTED_MEMORY
from benchmarks.tables import markdown
from benchmarks.tables import replace

_RESULTS = flags.DEFINE_string(
    "overhead_results_dir", "benchmarks/results", "Where the JSON files are."
)
_PAGE = flags.DEFINE_string("overhead_page", "docs/performance.md", "The page.")
_FIGURE = flags.DEFINE_string(
    "time_figure", "docs/figures/time_to_accuracy.png", "The picture."
)

_OVERHEAD_HEAD = (
    "network",
    "gates",
    "family",
    "ratio",
    "quartiles",
    "ratio, XLA",
    "quartiles",
    "wanted",
    "memory",
    f"memory, XLA (wanted {WANTED_MEMORY})",
)


def overhead(record: dict) -> str:
    """The table of `benchmarks.step_overhead`: one line per network and family.

    Memory is the whole process' peak over the dense one's; in brackets
    without what the imports took.
    """
    groups: dict[tuple, dict] = {}
    for case in record["cases"]:
        key = case["network"], case["on"], case["family"]
        groups.setdefault(key, {})[case["jit_compile"]] = case
    return markdown(
        _OVERHEAD_HEAD, [_overhead(*key, g) for key, g in groups.items()]
    )


def _overhead(network, on, family, group):
    plain, xla = group.get(False, {}), group.get(True, {})
    wanted = (plain or xla)["wanted"]
    return (
        network,
        on,
        family,
        *_ratio(plain),
        *_ratio(xla),
        "" if wanted is None else f"{wanted:.2f}",
        _memory(plain),
        _memory(xla),
    )


def _ratio(case):
    if "ratio" not in case:
        return ("fails" if "error" in case else ""), ""
    low, high = case["ratio_quartiles"]
    return f"{case['ratio']:.2f}", f"{low:.2f} to {high:.2f}"


def _memory(case):
    found = case.get("memory")
    if found is None:
        return ""
    return f"{found['peak']:.2f} ({found['training']:.2f})"


def leaks(record: dict) -> str:
    """The table of `benchmarks.step_leaks`."""
    head = ("family", "from step", "to", "memory", "open files", "retraces")
    return markdown(head, [_leak(entry) for entry in record["families"]])


def _leak(entry):
    return (
        entry["family"],
        f"{entry['seen'][0]['step']:,}",
        f"{entry['seen'][-1]['step']:,}",
        f"{100 * entry['growth']:+.2f} %",
        f"{entry['files']:+d}",
        entry["retraces"],
    )


def accuracy(runs: Sequence[dict]) -> str:
    """The table of `benchmarks.time_to_accuracy`: means over the seeds.

    The columns "until" are shares of the whole dense run of the same seed,
    until the row's error was what the dense one's is at its end, plus the
    margin; in brackets how many seeds got there, if not all.
    """
    head = (
        "network",
        "row",
        "MACs",
        "test error",
        "time",
        "last epoch",
        "until: time",
        "until: clock",
        "until: MACs",
        "wanted",
        "cuts",
        "seeds",
    )
    rows = []
    for network, row in itertools.product(_networks(runs), ROWS):
        group = [
            run
            for run in runs
            if (run["network"], run["row"]) == (network, row)
        ]
        if group:
            rows.append(_accuracy(network, row, group, runs))
    return markdown(head, rows)


def _networks(runs):
    return sorted({run["network"] for run in runs})


def _accuracy(network, row, group, runs):
    dense = {
        run["seed"]: run
        for run in runs
        if (run["network"], run["row"]) == (network, "dense")
    }
    setting = group[0]["setting"]
    shares = [
        time_to_accuracy.compare(dense[run["seed"]], run, setting["margin"])
        for run in group
        if run["seed"] in dense
    ]
    wanted = f"{setting['wanted']:.2f}, +{setting['margin']} points"
    return (
        network,
        row,
        f"{statistics.mean(run['macs'] for run in group):.3f}",
        _spread([run["entries"][-1]["test_error"] for run in group]) + " %",
        _share(shares, "all_cpu_seconds"),
        _share(shares, "last_epoch"),
        _share(shares, "cpu_seconds"),
        _share(shares, "seconds"),
        _share(shares, "epochs_spent"),
        wanted if row == "compact" else "",
        ", ".join(str(len(run["cuts"])) for run in group),
        len(group),
    )


def _spread(values):
    spread = f" ± {statistics.stdev(values):.2f}" if values[1:] else ""
    return f"{statistics.mean(values):.2f}{spread}"


def _share(shares, key):
    """The mean of those that got there."""
    there = [share[key] for share in shares if share[key] is not None]
    if not there:
        return "never" if shares else ""
    text = f"{statistics.mean(there):.2f}"
    if len(there) < len(shares):
        text += f" ({len(there)} of {len(shares)})"
    return text


def main(argv: list[str]) -> None:
    folder = _RESULTS.value
    for name, table in (("step_overhead", overhead), ("step_leaks", leaks)):
        path = os.path.join(folder, f"{name}.json")
        if os.path.exists(path):
            replace(_PAGE.value, name, table(records.read(path)))
    paths = glob.glob(os.path.join(folder, "time_to_accuracy", "*.json"))
    runs = [records.read(path) for path in sorted(paths)]
    if runs:
        replace(_PAGE.value, "time_to_accuracy", accuracy(runs))
        time_figure.draw(runs, _FIGURE.value)


if __name__ == "__main__":
    app.run(main)
