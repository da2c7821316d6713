"""How each row of `benchmarks.time_to_accuracy` is trained."""

import dataclasses
import math

import keras

import keras_l0
from benchmarks import classifiers
from benchmarks.budget_networks import NETWORKS
from benchmarks.stopwatch import Stopwatch
from benchmarks.stopwatch import spent
from benchmarks.unit_magnitude import prune_units
from examples.datasets import Dataset

ROWS = ("dense", "gated", "compact", "magnitude")


@dataclasses.dataclass(frozen=True)
class Setting:
    """How one network is trained; chosen on held-out images.

    Attributes:
        epochs: Epochs of every row.
        budget: Arguments of `keras_l0.Budget`, for gated rows; the fraction
            of MACs is the magnitude row's, too.
        compact: Arguments of `callbacks.Compact`.
        wanted: Highest share of the dense row's time.
        margin: Percentage points by which the error may be above the dense
            row's.
        dense_share: Share of the epochs after which the magnitude row prunes.
        batch_size: Examples per step.
        learning_rate: Adam's; it falls to 0 along a cosine.
        jit_compile: Whether XLA compiles the step.
        curve_examples: Test images before the last epoch; None: all.
    """

    epochs: int
    budget: dict
    compact: dict
    wanted: float
    margin: float
    dense_share: float = 0.4
    batch_size: int = 128
    learning_rate: float = 1e-3
    jit_compile: bool = False
    curve_examples: int | None = None


# Convolutions of a width that is no multiple of 8 take about as long as those
# of the next one that is.
SETTINGS = {
    "lenet5": Setting(
        epochs=20,
        budget={"macs": 0.35, "start": 0.0, "fine_tune": 0.9, "round_to": 8},
        compact={"patience": 1, "min_gain": 0.3},
        wanted=0.4,
        margin=0.05,
    ),
    "lenet_300_100": Setting(
        epochs=20,
        # The noise of gates that train longer is what keeps the error low.
        budget={"macs": 0.5, "start": 0.0, "fine_tune": 0.4},
        compact={"patience": 1, "min_gain": 0.3},
        wanted=0.6,
        margin=0.05,
    ),
    # Twice as wide as `residual`: where that has 8 channels left, a
    # convolution takes little less time than with 16. Gates that choose among
    # weights that nobody has trained yet choose badly.
    "wide_residual": Setting(
        epochs=10,
        budget={"macs": 0.3, "start": 0.15, "fine_tune": 0.75, "round_to": 8},
        compact={"patience": 1, "min_gain": 0.3},
        wanted=0.6,
        margin=0.5,
        batch_size=32,
        curve_examples=2000,
    ),
}


def train(
    network: str,
    row: str,
    seed: int,
    dataset: Dataset,
    setting: Setting,
) -> dict:
    """Trains one row.

    Args:
        network: Key of `SETTINGS`.
        row: One of `ROWS`.
        seed: Seed of weights, gates and order of the examples.
        dataset: The data.
        setting: How.

    Returns:
        record: `entries` of the stopwatch, each with `epochs_spent`: the
            multiply-accumulates so far, in epochs of the dense network;
            `cuts`, and `macs`, the fraction that the network ends with.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    dense = NETWORKS[network][0](dataset.x_train.shape[1:])
    full = keras_l0.cost.count(dense).macs
    run = _magnitude if row == "magnitude" else _at_once
    model, entries, cuts = run(dense, row, dataset, setting)
    steps = math.ceil(len(dataset.x_train) / setting.batch_size)
    for entry in entries:
        entry["epochs_spent"] = round(spent(entry["steps"], cuts, steps), 4)
    left = keras_l0.cost.count(model).macs / full
    return {
        "network": network,
        "row": row,
        "seed": seed,
        "examples": len(dataset.x_train),
        "setting": dataclasses.asdict(setting),
        "macs": round(left, 4),
        "cuts": cuts,
        "entries": entries,
    }


def _at_once(dense, row, dataset, setting):
    """Dense, gated, or gated and compacted: one `fit`."""
    model, callbacks, cuts = dense, [], []
    if row != "dense":
        budget = keras_l0.Budget(**setting.budget)
        model = keras_l0.add_gates(dense, streams=True, budget=budget)
    if row == "compact":
        compact = keras_l0.callbacks.Compact(**setting.compact)
        callbacks, cuts = [compact], compact.cuts
    entries = _fit(model, dataset, setting, setting.epochs, callbacks)
    small = model if row == "dense" else keras_l0.strip_gates(model)
    return small, entries, cuts


def _magnitude(dense, row, dataset, setting):
    """Dense training; the smallest units go; a smaller network trains on."""
    before = max(1, round(setting.dense_share * setting.epochs))
    entries = _fit(dense, dataset, setting, before)
    small = prune_units(dense, setting.budget["macs"])
    fraction = keras_l0.cost.count(small).macs / keras_l0.cost.count(dense).macs
    after = setting.epochs - before
    entries += _fit(small, dataset, setting, after, start=entries[-1])
    cut = {"step": entries[before - 1]["steps"], "macs": fraction}
    return small, entries, [cut]


def _fit(model, dataset, setting, epochs, callbacks=(), start=None):
    if not epochs:
        return []
    steps = epochs * math.ceil(len(dataset.x_train) / setting.batch_size)
    classifiers.compile_for_steps(
        model, setting.learning_rate, steps, setting.jit_compile
    )
    watch = Stopwatch(dataset, setting.curve_examples, start)
    model.fit(
        dataset.x_train,
        dataset.y_train,
        batch_size=setting.batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[*callbacks, watch],
    )
    return watch.entries
