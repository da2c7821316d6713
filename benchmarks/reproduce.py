"""Trains a row of docs/reproduction.md on MNIST: any family, or a baseline.

    python -m benchmarks.reproduce --network=lenet5 --row=separate --threads=2

One JSON file per run. A run whose file exists is skipped; a run that was
killed goes on behind its last finished epoch.
"""

import dataclasses
import os

from absl import app
from absl import flags

from benchmarks import records
from benchmarks import tables
from benchmarks import threads
from benchmarks import training
from benchmarks.recipe import Recipe
from benchmarks.recipes import PUBLISHED
from benchmarks.recipes import RECIPES
from examples import datasets

_NETWORK = flags.DEFINE_enum(
    "network", None, ["lenet_300_100", "lenet5"], "The network."
)
_ROW = flags.DEFINE_enum(
    "row",
    "separate",
    sorted({row for _, row, _ in RECIPES}),
    "The row; `uniform` and `separate` are HardConcrete's.",
)
_RECIPE = flags.DEFINE_enum(
    "recipe", "ours", ["published", "ours"], "How to train."
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds, one run each.")
_EPOCHS = flags.DEFINE_integer(
    "epochs", None, "At most so many epochs in each phase.", lower_bound=1
)
_RESULTS_DIR = flags.DEFINE_string(
    "results_dir", "benchmarks/results", "Where the JSON files are kept."
)
_STATE_DIR = flags.DEFINE_string(
    "state_dir", "benchmarks/out", "Where unfinished runs keep their state."
)


def shortened(recipe: Recipe, epochs: int | None) -> Recipe:
    """The recipe with at most `epochs` epochs in each phase."""
    if epochs is None:
        return recipe
    phases = [
        dataclasses.replace(phase, epochs=min(phase.epochs, epochs))
        for phase in recipe.phases
    ]
    return dataclasses.replace(recipe, phases=tuple(phases))


def run(
    network: str,
    row: str,
    recipe_name: str,
    seed: int,
    results_dir: str,
    state_dir: str,
    epochs: int | None = None,
) -> dict:
    """Runs one seed of one row, or reads its file if there is one.

    Args:
        network: `"lenet_300_100"` or `"lenet5"`.
        row: Name of the row.
        recipe_name: `"published"` or `"ours"`.
        seed: The seed.
        results_dir: Folder of the JSON files.
        state_dir: Folder of what an unfinished run needs to go on.
        epochs: At most so many epochs in each phase; None for all.

    Returns:
        record: The content of the JSON file.
    """
    name = f"{network}-{row}-{recipe_name}-seed{seed}"
    path = os.path.join(results_dir, f"{name}.json")
    if os.path.exists(path):
        return records.read(path)
    recipe = shortened(RECIPES[network, row, recipe_name], epochs)
    dataset = datasets.load("mnist")
    state = os.path.join(state_dir, name)
    print(name, flush=True)
    masks = None
    if recipe.architecture_of is not None:
        source = f"{network}-{recipe.architecture_of}-seed{seed}.json"
        masks = records.read(os.path.join(results_dir, source))["masks"]
    record = training.train(network, recipe, seed, dataset, state, masks)
    head = {"row": row, "recipe_name": recipe_name, **records.origin()}
    records.write(path, {**head, **record})
    return records.read(path)


def main(argv: list[str]) -> None:
    threads.limit_threads()
    if (_NETWORK.value, _ROW.value, _RECIPE.value) not in RECIPES:
        raise app.UsageError("There is no such recipe.")
    runs = [
        run(
            _NETWORK.value,
            _ROW.value,
            _RECIPE.value,
            int(seed),
            _RESULTS_DIR.value,
            _STATE_DIR.value,
            _EPOCHS.value,
        )
        for seed in _SEEDS.value
    ]
    if (_NETWORK.value, _ROW.value) in PUBLISHED:
        print(tables.reproduction(runs))
    else:
        print(tables.unpublished(runs))


if __name__ == "__main__":
    flags.mark_flag_as_required("network")
    app.run(main)
