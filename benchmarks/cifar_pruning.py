"""Prunes a residual network on CIFAR-10 while it trains, and its dense twin.

    KERAS_L0_DATA=DIR python -m benchmarks.cifar_pruning --threads=1

The gates are those of `add_gates(streams=True)` with the defaults of their
family and of `gate_optimizer`; the price is the only thing to choose. They
train for most of the epochs and are frozen for the last ones. `magnitude`
removes units at the same time, as many as leave the MACs of `hard_concrete`,
and `scratch` trains its architecture from the start. All rows have the same
epochs, Adam, and a rate that falls along a cosine; the pruned network's begins
anew. Finished rows are kept and skipped.
"""

import math
import os
import time

import keras
from absl import app
from absl import flags

import keras_l0
from benchmarks import classifiers
from benchmarks import records
from benchmarks import threads
from benchmarks.budget_networks import residual
from benchmarks.unit_magnitude import prune_units
from examples import datasets

_GATED = ("hard_concrete", "dependent")
ROWS = ("dense", *_GATED, "magnitude", "scratch")
_ROWS = flags.DEFINE_multi_enum("cifar_row", ROWS, list(ROWS), "Rows.")
_SEEDS = flags.DEFINE_multi_integer("cifar_seed", [0, 1, 2], "Seeds.")
_PRICE = flags.DEFINE_float("cifar_l0", 6e-3, "`l0` of the gates.", 0.0)
_EXAMPLES = flags.DEFINE_integer(
    "cifar_examples", 8000, "Training images.", lower_bound=1
)
_EPOCHS = flags.DEFINE_integer("cifar_epochs", 10, "Epochs.", lower_bound=2)
_FROZEN = flags.DEFINE_integer(
    "cifar_frozen_epochs", 3, "Epochs after the gates were frozen.", 1
)
_WITH_TEST = flags.DEFINE_bool(
    "cifar_test", True, "Whether to look at the test images, at the very end."
)
_FOLDER = flags.DEFINE_string(
    "cifar_folder", "benchmarks/results/cifar_pruning", "Where rows are kept."
)

_BATCH_SIZE = 64
_RATE = 1e-3


def run(row: str, seed: int, data: datasets.Dataset) -> dict:
    """Trains one row.

    Args:
        row: One of `ROWS`.
        seed: Seed of weights, gates and order of the examples.
        data: The data; the training images that are to be used.

    Returns:
        record: Errors in percent, and what is left of parameters and
            multiply-accumulates, as fractions of the dense network's.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    start = time.monotonic()
    dense = residual(data.x_train.shape[1:])
    full = keras_l0.cost.count(dense)
    small = _train(row, seed, dense, data)
    classifiers.refresh_statistics(small, data.x_train)
    left = keras_l0.cost.count(small)
    sets = {"validation": (data.x_validation, data.y_validation)}
    if _WITH_TEST.value:
        sets["test"] = (data.x_test, data.y_test)
    errors = {
        f"{name}_error": round(100 * (1 - classifiers.accuracy(small, *xy)), 3)
        for name, xy in sets.items()
    }
    return {
        "row": row,
        "seed": seed,
        "l0": _PRICE.value if row in _GATED else None,
        "examples": len(data.x_train),
        "epochs": _EPOCHS.value,
        "frozen_epochs": _FROZEN.value,
        "params": round(left.params / full.params, 4),
        "macs": round(left.macs / full.macs, 4),
        **errors,
        "seconds": round(time.monotonic() - start),
    }


def _train(row, seed, dense, data):
    """The network of a row after its training."""
    if row in _GATED:
        return _gated(row, seed, dense, data)
    if row == "magnitude":
        return _magnitude(seed, dense, data)
    model = dense
    if row == "scratch":
        model = keras.models.clone_model(_pruned(seed))
    _fit(model, data, _EPOCHS.value)
    return model


def _gated(row, seed, dense, data):
    model = keras_l0.add_gates(dense, row, _PRICE.value, streams=True)
    _fit(model, data, _EPOCHS.value - _FROZEN.value)
    model.freeze_gates()
    _fit(model, data, _FROZEN.value)
    small = keras_l0.strip_gates(model)
    if row == "hard_concrete":
        os.makedirs(_FOLDER.value, exist_ok=True)
        small.save(_path(row, seed, "keras"))
    return small


def _magnitude(seed, dense, data):
    macs = keras_l0.cost.count(_pruned(seed)).macs
    _fit(dense, data, _EPOCHS.value - _FROZEN.value)
    small = prune_units(dense, macs / keras_l0.cost.count(dense).macs)
    _fit(small, data, _FROZEN.value, _FROZEN.value)
    return small


def _pruned(seed):
    """What `hard_concrete` made."""
    path = _path("hard_concrete", seed, "keras")
    if not os.path.exists(path):
        raise ValueError(f"Run hard_concrete first, seed {seed}: no {path}.")
    return keras.models.load_model(path)


def _fit(model, data, epochs, planned=None):
    """Some epochs, of those planned; None: of all."""
    if not model.compiled:
        planned = planned or _EPOCHS.value
        steps = planned * math.ceil(len(data.x_train) / _BATCH_SIZE)
        classifiers.compile_for_steps(model, _RATE, steps)
    model.fit(
        data.x_train,
        data.y_train,
        batch_size=_BATCH_SIZE,
        epochs=epochs,
        verbose=0,
    )


def _path(row, seed, ending="json"):
    return os.path.join(_FOLDER.value, f"{row}-seed{seed}.{ending}")


def main(argv: list[str]) -> None:
    threads.limit_threads()
    data = datasets.load("cifar10")
    data = classifiers.with_first(data, _EXAMPLES.value)
    for seed in _SEEDS.value:
        for row in _ROWS.value:
            path = _path(row, seed)
            if os.path.exists(path):
                continue
            record = run(row, seed, data)
            records.write(path, {**record, **records.origin()})
            print(record, flush=True)


if __name__ == "__main__":
    app.run(main)
