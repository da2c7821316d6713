"""Accuracy at a budget: ours, magnitude pruning, and training from scratch.

    KERAS_L0_DATA=DIR python -m benchmarks.budget_accuracy

Every row trains for the same total number of epochs, with the same optimizer:

- dense: the network as it is;
- ours: dense training, `add_gates` with a budget, gated training;
- magnitude: the same gates, chosen by the norm of each unit's weights over
  the mean of its layer after the dense training; trained on for as long;
- scratch: a network of the widths that ours ends with, trained from the start.

Statistics of batch normalization are taken anew at the end of every row, as a
budget does it. The test images are looked at once per row, after its last
epoch.
"""

import os
import time

import keras
from absl import app
from absl import flags

import keras_l0
from benchmarks import records
from benchmarks import threads
from benchmarks.budget_networks import NETWORKS
from benchmarks.classifiers import accuracy
from benchmarks.classifiers import fit
from benchmarks.classifiers import refresh_statistics
from benchmarks.unit_magnitude import relative_norms
from examples import datasets

ROWS = ("dense", "ours", "magnitude", "scratch")
_NETWORKS = flags.DEFINE_multi_enum(
    "accuracy_network", ["lenet5", "residual"], list(NETWORKS), "Networks."
)
_SEEDS = flags.DEFINE_multi_integer("accuracy_seed", [0, 1, 2], "Seeds.")
_MACS = flags.DEFINE_float("accuracy_macs", 0.3, "Budget: fraction of MACs.")
_EXAMPLES = flags.DEFINE_integer(
    "accuracy_examples", 6000, "Training images.", lower_bound=100
)
_DENSE_EPOCHS = flags.DEFINE_integer(
    "accuracy_dense_epochs", 4, "Epochs before gates.", lower_bound=1
)
_EPOCHS = flags.DEFINE_integer(
    "accuracy_epochs", 10, "Epochs of gated training.", lower_bound=2
)
_FOLDER = flags.DEFINE_string(
    "accuracy_folder",
    "benchmarks/results/budget_accuracy",
    "Where rows are kept.",
)


def run(name: str, row: str, seed: int) -> dict:
    """Trains one row and measures what it reached."""
    build, dataset = NETWORKS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    data = datasets.load(dataset)
    x, y = data.x_train[: _EXAMPLES.value], data.y_train[: _EXAMPLES.value]
    start = time.monotonic()
    dense = build(x.shape[1:])
    cost = keras_l0.cost.count(dense)
    if row == "dense":
        model = _trained(dense, x, y)
    elif row == "scratch":
        ours = keras.models.load_model(_model_path(name, seed))
        model = _trained(keras.models.clone_model(ours), x, y)
    else:
        fit(dense, x, y, _DENSE_EPOCHS.value)
        model = (_ours if row == "ours" else _magnitude)(dense, x, y)
        if row == "ours":
            os.makedirs(_FOLDER.value, exist_ok=True)
            model.save(_model_path(name, seed))
    small = keras_l0.cost.count(model)
    return {
        "network": name,
        "row": row,
        "seed": seed,
        "dataset": dataset,
        "examples": len(x),
        "epochs": _DENSE_EPOCHS.value + _EPOCHS.value,
        "macs": small.macs / cost.macs,
        "params": small.params / cost.params,
        "test_accuracy": accuracy(model, data.x_test, data.y_test),
        "seconds": time.monotonic() - start,
    }


def _trained(model, x, y):
    fit(model, x, y, _DENSE_EPOCHS.value + _EPOCHS.value)
    refresh_statistics(model, x)
    return model


def _ours(dense, x, y):
    budget = keras_l0.Budget(macs=_MACS.value)
    gated = keras_l0.add_gates(dense, streams=True, budget=budget)
    fit(gated, x, y, _EPOCHS.value)
    return keras_l0.strip_gates(gated)


def _magnitude(dense, x, y):
    """The same choice within the budget, by magnitudes in place of logits."""
    # The gates are chosen after the first epoch, in which none moves.
    late = 1 - 1 / _EPOCHS.value
    budget = keras_l0.Budget(
        macs=_MACS.value, start=0.0, fine_tune=min(late, 0.99)
    )
    gated = keras_l0.add_gates(dense, streams=True, budget=budget)
    norms = relative_norms(gated)
    for name, vector in keras_l0.layers.gate_vectors(gated).items():
        opened = vector.logits.numpy().min()
        vector.logits.assign(opened + norms[name])
    fit(gated, x, y, _EPOCHS.value, gate_optimizer=keras.optimizers.SGD(0.0))
    return keras_l0.strip_gates(gated)


def _path(name, row, seed):
    return os.path.join(_FOLDER.value, f"{name}-{row}-seed{seed}.json")


def _model_path(name, seed):
    return os.path.join(_FOLDER.value, f"{name}-ours-seed{seed}.keras")


def main(argv: list[str]) -> None:
    threads.limit_threads()
    for seed in _SEEDS.value:
        for name in _NETWORKS.value:
            for row in ROWS:
                path = _path(name, row, seed)
                if os.path.exists(path):
                    continue
                entry = run(name, row, seed)
                records.write(path, {**entry, **records.origin()})
                print(
                    name,
                    row,
                    seed,
                    f"{entry['test_accuracy']:.4f}",
                    f"macs {entry['macs']:.3f} params {entry['params']:.3f}",
                    f"{entry['seconds']:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    app.run(main)
