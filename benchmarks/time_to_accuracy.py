"""Test error against time and against multiply-accumulates of training.

    KERAS_L0_DATA=DIR python -m benchmarks.time_to_accuracy --threads=2

Every row has the same seed, examples and epochs, and a rate that falls along
a cosine:

- dense: the network as it is;
- gated: `add_gates` with a budget, which is reached early and frozen;
- compact: the same with `callbacks.Compact`;
- magnitude: dense training, then the units with the smallest weights are
  removed, to the same budget, and what is left trains on.

Rows take turns; who begins changes from seed to seed. Tests are off the clock.
The machine may have other work: the processor's time tells more than the
clock's. Finished rows are kept and skipped.
"""

import dataclasses
import os
from collections.abc import Sequence

from absl import app
from absl import flags

from benchmarks import accuracy_rows
from benchmarks import records
from benchmarks import threads
from benchmarks.accuracy_rows import ROWS
from benchmarks.accuracy_rows import SETTINGS
from benchmarks.budget_networks import NETWORKS
from benchmarks.classifiers import with_first
from examples import datasets

_NETWORKS = flags.DEFINE_multi_enum(
    "tta_network", list(SETTINGS), list(SETTINGS), "Networks; all by default."
)
_ROWS = flags.DEFINE_multi_enum("tta_row", list(ROWS), list(ROWS), "Rows.")
_SEEDS = flags.DEFINE_multi_integer("tta_seeds", [0, 1, 2], "Seeds.")
_EPOCHS = flags.DEFINE_integer(
    "tta_epochs", None, "Epochs; by default the network's own.", lower_bound=1
)
_EXAMPLES = flags.DEFINE_integer(
    "tta_examples", None, "Training images; all by default.", lower_bound=1
)
_FOLDER = flags.DEFINE_string(
    "tta_folder", "benchmarks/results/time_to_accuracy", "Where rows are kept."
)


def reached(entries: Sequence[dict], error: float) -> dict | None:
    """The first entry whose test error is at most `error`, or None.

    Example:

    >>> from benchmarks import time_to_accuracy
    >>> entries = [{"test_error": 2.0}, {"test_error": 1.0}]
    >>> time_to_accuracy.reached(entries, 1.5)
    {'test_error': 1.0}
    """
    return next((e for e in entries if e["test_error"] <= error), None)


def compare(dense: dict, other: dict, margin: float) -> dict:
    """What `other` needs to be as good as `dense` is at its end.

    Args:
        dense: Record of the dense row.
        other: Record of a row of the same network and seed.
        margin: Percentage points by which its error may be higher.

    Returns:
        shares: `seconds`, `cpu_seconds` and `epochs_spent` until then, each
            over the whole dense run's, or None where it never was; and of the
            processor's time `all_cpu_seconds`, the whole run's, and
            `last_epoch`, over the mean of a dense epoch.
    """
    last = dense["entries"][-1]
    found = reached(other["entries"], last["test_error"] + margin)
    shares = {
        key: None if found is None else found[key] / last[key]
        for key in ("seconds", "cpu_seconds", "epochs_spent")
    }
    *before, end = [0.0, *(entry["cpu_seconds"] for entry in other["entries"])]
    dense_epoch = last["cpu_seconds"] / len(dense["entries"])
    return {
        **shares,
        "all_cpu_seconds": end / last["cpu_seconds"],
        "last_epoch": (end - before[-1]) / dense_epoch,
    }


def turns(seeds: Sequence[int], rows: Sequence[str]) -> list[tuple[int, str]]:
    """Who runs when: each seed begins with the next row.

    Example:

    >>> from benchmarks import time_to_accuracy
    >>> time_to_accuracy.turns([5, 6], ["a", "b"])
    [(5, 'a'), (5, 'b'), (6, 'b'), (6, 'a')]
    """
    found = []
    for number, seed in enumerate(seeds):
        shift = number % len(rows)
        found += [(seed, row) for row in (*rows[shift:], *rows[:shift])]
    return found


def _run(network, row, seed, data):
    path = os.path.join(_FOLDER.value, f"{network}-{row}-seed{seed}.json")
    if os.path.exists(path):
        return
    setting = SETTINGS[network]
    if _EPOCHS.value:
        setting = dataclasses.replace(setting, epochs=_EPOCHS.value)
    record = accuracy_rows.train(network, row, seed, data, setting)
    records.write(path, {**record, **records.origin()})
    last = record["entries"][-1]
    print(
        f"{network} {row} seed {seed}: {last['test_error']:.2f} % wrong after",
        f"{last['seconds']:.0f} s ({last['cpu_seconds']:.0f} s of processor),",
        f"{last['epochs_spent']:.2f} dense epochs; MACs {record['macs']:.3f},",
        f"{len(record['cuts'])} cuts",
        flush=True,
    )


def main(argv: list[str]) -> None:
    threads.limit_threads()
    for network in _NETWORKS.value:
        data = datasets.load(NETWORKS[network][1])
        data = with_first(data, _EXAMPLES.value)
        for seed, row in turns(_SEEDS.value, _ROWS.value):
            _run(network, row, seed, data)


if __name__ == "__main__":
    app.run(main)
