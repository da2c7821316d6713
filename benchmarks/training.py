"""One run of a recipe, from the first epoch to its record, resumable.

Its state lies in a folder: the model at the end of each phase, Keras' backup
of the phase that is running, and the history so far. A run that was killed
goes on behind the last epoch that it finished.
"""

import dataclasses
import functools
import os
import shutil
import time

import keras
import numpy as np

import keras_l0
from benchmarks import building
from benchmarks import counting
from benchmarks import magnitude
from benchmarks import optimizers
from benchmarks import records
from benchmarks.narrow import narrow
from benchmarks.recipe import Recipe
from examples.datasets import Dataset

_STEPS_PER_EXECUTION = 10


def train(
    network: str,
    recipe: Recipe,
    seed: int,
    dataset: Dataset,
    state: str,
    masks: list[str] | None = None,
) -> dict:
    """Trains one network and tests it once, at the very end.

    Args:
        network: `"lenet_300_100"` or `"lenet5"`.
        recipe: What to do.
        seed: Seed of weights, gates and order of the examples.
        dataset: The data.
        state: Folder of the state; it is removed when the run is done.
        masks: Masks of the network whose architecture is trained; None takes
            the published one.

    Returns:
        record: The result, ready for JSON.
    """
    build = functools.partial(
        building.build, network, recipe, len(dataset.x_train)
    )
    first = build
    if masks is not None:
        first = functools.partial(building.build_small, *build.args, masks)
    finished, model = _last_phase(state, len(recipe.phases))
    for number in range(finished, len(recipe.phases)):
        keras.utils.set_random_seed(1000 * seed + number)
        if model is None:
            model = first()
        else:
            percent = recipe.phases[number].magnitude
            if percent is not None:
                magnitude.prune(model, network, percent)
            model = narrow(model, lambda widths: build(widths=widths))
        history = _History(network, number, dataset, state)
        _fit(model, recipe, number, dataset, history, state)
        model.save(_phase_path(state, number))
    record = _record(network, recipe, seed, model, dataset, state)
    shutil.rmtree(state)
    return record


def _last_phase(state, num_phases):
    """Number of finished phases, and the model at the end of the last one."""
    for number in reversed(range(num_phases)):
        path = _phase_path(state, number)
        if os.path.exists(path):
            return number + 1, keras.saving.load_model(path, compile=False)
    return 0, None


def _phase_path(state, number):
    return os.path.join(state, f"phase_{number}.keras")


def _fit(model, recipe, number, dataset, history, state):
    phase = recipe.phases[number]
    _freeze(model, phase.frozen)
    model.compile(
        **optimizers.arguments(model, phase, recipe, len(dataset.x_train)),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        steps_per_execution=_STEPS_PER_EXECUTION,
        jit_compile=False,
    )
    backup = os.path.join(state, f"backup_{number}")
    model.fit(
        dataset.x_train,
        dataset.y_train,
        batch_size=recipe.batch_size,
        epochs=phase.epochs,
        verbose=0,
        callbacks=[history, keras.callbacks.BackupAndRestore(backup)],
    )


def _freeze(model, frozen):
    if isinstance(model, keras_l0.L0Model):
        model.freeze_gates(frozen)
        return
    for vector in keras_l0.layers.gate_vectors(model).values():
        vector.trainable = not frozen


class _History(keras.callbacks.Callback):
    """Writes one entry per epoch to the folder of the state."""

    def __init__(self, network, phase, dataset, state):
        super().__init__()
        self.network, self.phase = network, phase
        self.dataset, self.state = dataset, state

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        units = counting.kept_units(self.model)
        entry = {
            "phase": self.phase,
            "epoch": epoch,
            "loss": round(logs["loss"], 5),
            "accuracy": round(logs["accuracy"], 5),
            "validation_error": _error(
                self.model,
                self.dataset.x_validation,
                self.dataset.y_validation,
            ),
            "units": units,
            "percent_left": round(
                counting.model_percent_left(self.network, self.model), 3
            ),
            "seconds": round(time.monotonic() - self.start, 1),
        }
        path = os.path.join(
            self.state, f"history_{self.phase:02}_{epoch:04}.json"
        )
        records.write(path, entry)
        print(_line(entry), flush=True)


def _line(entry):
    return (
        "phase {phase} epoch {epoch}: loss {loss:.4f}, validation error "
        "{validation_error:.2f} %, units {units}, {percent_left:.2f} % of "
        "the weights, {seconds:.0f} s".format(**entry)
    )


def _read_history(state):
    names = sorted(n for n in os.listdir(state) if n.startswith("history_"))
    return [records.read(os.path.join(state, name)) for name in names]


def _error(model, x, y):
    """Percent of the examples that are classified wrongly."""
    logits = model.predict(x, batch_size=1000, verbose=0)
    return round(100 * float(np.mean(logits.argmax(axis=1) != y)), 4)


def _record(network, recipe, seed, model, dataset, state):
    units = counting.kept_units(model)
    history = _read_history(state)
    return {
        "network": network,
        "seed": seed,
        "architecture": "-".join(map(str, units)),
        "percent_left": round(counting.model_percent_left(network, model), 3),
        "expected_percent_left": round(
            counting.expected_percent_left(network, model), 3
        ),
        "test_error": _error(model, dataset.x_test, dataset.y_test),
        "validation_error": history[-1]["validation_error"],
        "epochs": len(history),
        "seconds": round(sum(entry["seconds"] for entry in history)),
        "train_examples": len(dataset.x_train),
        "recipe": dataclasses.asdict(recipe),
        "masks": None
        if counting.gates_weights(model)
        else building.masks(model),
        "history": history,
    }
