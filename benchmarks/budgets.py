"""Asks six networks for five sizes each, and measures what comes out.

    KERAS_L0_DATA=DIR python -m benchmarks.budgets

Nothing is tuned: every network has the same `keras_l0.Budget`, the same
optimizer and the same number of epochs. Finished rows are kept and skipped.
"""

import os
import time

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from benchmarks import records
from benchmarks import threads
from benchmarks.budget_networks import NETWORKS
from benchmarks.classifiers import accuracy
from benchmarks.classifiers import fit
from examples import datasets

_KINDS = (
    "lenet5",
    "lenet_300_100",
    "residual",
    "mobile",
    "transformer",
    "recurrent",
)
_NETWORKS = flags.DEFINE_multi_enum(
    "budget_network", _KINDS, list(NETWORKS), "Which networks."
)
_EXAMPLES = flags.DEFINE_integer(
    "budget_examples", 8000, "Training images.", lower_bound=100
)
_EPOCHS = flags.DEFINE_integer(
    "budget_epochs", 8, "Epochs of gated training.", lower_bound=2
)
_DENSE_EPOCHS = flags.DEFINE_integer(
    "budget_dense_epochs", 4, "Epochs before gates.", lower_bound=1
)
_FOLDER = flags.DEFINE_string(
    "budget_folder", "benchmarks/results/budgets", "Where rows are kept."
)

BUDGETS = (
    {"macs": 0.7},
    {"macs": 0.5},
    {"macs": 0.3},
    {"params": 0.5},
    {"params": 0.2},
)
_SEED = 0


def run(name: str, limits: dict[str, float]) -> dict:
    """Trains network `name` to a budget; what is left of it."""
    build, dataset = NETWORKS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(_SEED)
    data = datasets.load(dataset)
    x, y = data.x_train[: _EXAMPLES.value], data.y_train[: _EXAMPLES.value]
    validation = data.x_validation[:2000], data.y_validation[:2000]
    dense = build(x.shape[1:])
    fit(dense, x, y, _DENSE_EPOCHS.value)
    budget = keras_l0.Budget(**limits)
    gated = keras_l0.add_gates(dense, streams=True, budget=budget)
    start = time.monotonic()
    fit(gated, x, y, _EPOCHS.value)
    seconds = time.monotonic() - start
    small = keras_l0.strip_gates(gated)
    before, after = keras_l0.cost.count(dense), keras_l0.cost.count(small)
    vectors = keras_l0.layers.gate_vectors(gated)
    return {
        "network": name,
        "dataset": dataset,
        "examples": len(x),
        "budget": limits,
        "macs": after.macs / before.macs,
        "params": after.params / before.params,
        "dense_accuracy": accuracy(dense, *validation),
        "accuracy": accuracy(small, *validation),
        "open": {k: _count(v) for k, v in vectors.items()},
        "gates": {k: v.num_gates for k, v in vectors.items()},
        "seconds": seconds,
        "seed": _SEED,
    }


def _count(vector):
    return int(np.count_nonzero(vector.deterministic_gate()))


def main(argv: list[str]) -> None:
    threads.limit_threads()
    for name in _NETWORKS.value:
        for limits in BUDGETS:
            label = "_".join(f"{k}{v}" for k, v in limits.items())
            path = os.path.join(_FOLDER.value, f"{name}-{label}.json")
            if os.path.exists(path):
                continue
            row = run(name, limits)
            records.write(path, {**row, **records.origin()})
            print(
                name,
                label,
                f"macs {row['macs']:.4f} params {row['params']:.4f}",
                f"accuracy {row['dense_accuracy']:.4f} ->",
                f"{row['accuracy']:.4f} {row['seconds']:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    app.run(main)
