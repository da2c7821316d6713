"""Trains each gate family on MNIST under one protocol, for its defaults.

    python -m benchmarks.families --threads=1

Per run: `epochs` epochs of an `L0Model` with Adam for weights and gates, then
`finetune` epochs under frozen gates. One JSON file per run; a run whose file
exists is skipped. `--gate_learning_rate` compares rates of the gates.
"""

import itertools
import os
import time

import keras
import numpy as np
from absl import app
from absl import flags

from benchmarks import counting
from benchmarks import networks
from benchmarks import records
from benchmarks import tables
from benchmarks import threads
from examples import datasets

_FAMILY = flags.DEFINE_multi_enum(
    "family",
    ["hard_concrete", "arm", "diff_prune", "straight_through", "dependent"],
    ["hard_concrete", "arm", "diff_prune", "straight_through", "dependent"],
    "Gate families; all by default.",
)
_PRICES = flags.DEFINE_list(
    "prices", ["0.1", "0.3", "1"], "Price of a weight times examples."
)
_RATES = flags.DEFINE_list(
    "gate_learning_rates", ["0.01"], "Learning rates of the gates."
)
_RUN_SEEDS = flags.DEFINE_list("run_seeds", ["0"], "Seeds, one run each.")
_TRAIN_EPOCHS = flags.DEFINE_integer("train_epochs", 20, "Epochs with gates.")
_FINETUNE = flags.DEFINE_integer("finetune", 5, "Epochs with frozen gates.")
_WITH_TEST = flags.DEFINE_bool(
    "with_test", False, "Whether to look at the test images, at the very end."
)
_FAMILIES_DIR = flags.DEFINE_string(
    "families_dir", "benchmarks/results/families", "Where the files are kept."
)

_BATCH_SIZE = 128


def train(
    family: str,
    price: float,
    rate: float,
    seed: int,
    dataset: datasets.Dataset,
    epochs: int,
    finetune: int,
    with_test: bool = False,
) -> dict:
    """Trains LeNet-300-100.

    Args:
        family: Name of the gate family.
        price: Price of one weight, times the number of training examples.
        rate: Adam's learning rate for the gates.
        seed: The seed.
        dataset: The data.
        epochs: Epochs with gates that train.
        finetune: Epochs with frozen gates.
        with_test: Whether to test it, at the very end.

    Returns:
        record: The result, ready for JSON.
    """
    keras.utils.set_random_seed(seed)
    prices = (price / len(dataset.x_train),) * 3
    model = networks.lenet_300_100(gate=family, l0=prices)
    model.compile(
        keras.optimizers.Adam(1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        gate_optimizer=keras.optimizers.Adam(rate),
        steps_per_execution=10,
        jit_compile=False,
    )
    start = time.monotonic()
    fit = {"batch_size": _BATCH_SIZE, "verbose": 0}
    model.fit(dataset.x_train, dataset.y_train, epochs=epochs, **fit)
    if finetune:
        model.freeze_gates()
        model.optimizer.learning_rate = 1e-4
        model.fit(dataset.x_train, dataset.y_train, epochs=finetune, **fit)
    units = counting.kept_units(model)
    return {
        "network": "lenet_300_100",
        "family": family,
        "price": price,
        "gate_learning_rate": rate,
        "seed": seed,
        "epochs": epochs,
        "finetune": finetune,
        "architecture": "-".join(map(str, units)),
        "percent_left": round(counting.percent_left("lenet_300_100", units), 3),
        "validation_error": _error(
            model, dataset.x_validation, dataset.y_validation
        ),
        "test_error": _error(model, dataset.x_test, dataset.y_test)
        if with_test
        else None,
        "seconds": round(time.monotonic() - start),
    }


def _error(model, x, y):
    """Percent of the examples that are classified wrongly."""
    logits = model.predict(x, batch_size=1000, verbose=0)
    return round(100 * float(np.mean(logits.argmax(axis=1) != y)), 4)


def main(argv: list[str]) -> None:
    threads.limit_threads()
    dataset = datasets.load("mnist")
    runs = []
    for family, price, rate, seed in itertools.product(
        _FAMILY.value, _PRICES.value, _RATES.value, _RUN_SEEDS.value
    ):
        name = f"{family}-price{price}-rate{rate}-seed{seed}.json"
        path = os.path.join(_FAMILIES_DIR.value, name)
        if not os.path.exists(path):
            record = train(
                family,
                float(price),
                float(rate),
                int(seed),
                dataset,
                _TRAIN_EPOCHS.value,
                _FINETUNE.value,
                _WITH_TEST.value,
            )
            records.write(path, {**records.origin(), **record})
        runs.append(records.read(path))
        print(tables.families(runs[-1:]).splitlines()[-1], flush=True)
    print(tables.families(runs))


if __name__ == "__main__":
    app.run(main)
