"""Kills trainings at random, and looks whether they go on as if never killed.

    python -m benchmarks.kill_resume --trials=20

Each trial is a process that trains a small network with dropout, gates and
two optimizers, and kills itself (SIGKILL) at a random time: anywhere in the
training, or, in every third trial, around a cut. It is started again until it
has finished; what training changes is then compared, bit for bit, with an
uninterrupted run. Trials take turns between backups after epochs and after
steps, with `Compact`, with a budget, with both and with neither.
"""

import os
import random
import shutil
import signal
import tempfile
import threading
import time

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from benchmarks import records

_FAMILIES = (
    "hard_concrete",
    "arm",
    "diff_prune",
    "straight_through",
    "dependent",
)
_KILL_FAMILY = flags.DEFINE_multi_enum(
    "kill_family", _FAMILIES, list(_FAMILIES), "Gate families; all by default."
)
_TRIALS = flags.DEFINE_integer("trials", 20, "Trials per family.")
_KILL_SEED = flags.DEFINE_integer("kill_seed", 0, "Seed of the times.")
_KILL_PATH = flags.DEFINE_string(
    "kill_path",
    "benchmarks/results/kill_resume.json",
    "Where results are kept.",
)
_EPOCHS, _BATCH, _ROWS = 5, 8, 24
# Longest time to a kill that is to come around a cut.
_AROUND = 0.5
# (backup after, with `Compact`, with a budget)
_SETUPS = (
    ("epoch", True, False),
    (2, True, False),
    ("epoch", True, True),
    ("epoch", False, False),
    (2, False, True),
    (2, True, True),
)


def build(family: str, with_budget: bool) -> keras_l0.L0Model:
    """A small compiled network, equal at each call."""
    keras.utils.set_random_seed(7)
    x = keras.Input((6,))
    h = _gated(keras.layers.Dense(16, "tanh"), family, "first")(x)
    h = keras.layers.Dropout(0.3)(h)
    h = _gated(keras.layers.Dense(12, "relu"), family, "second")(h)
    model = keras_l0.L0Model(x, keras.layers.Dense(3)(h))
    vectors = keras_l0.layers.gate_vectors(model).values()
    for vector in () if family == "dependent" else vectors:
        closed = np.arange(vector.num_gates) % 2
        vector.logits.assign(np.where(closed, -4.0, 1.0))
    budget = keras_l0.Budget(macs=0.4, start=0.0, fine_tune=0.4)
    model.compile(
        keras.optimizers.Adam(0.01),
        "mse",
        gate_optimizer=keras.optimizers.SGD(0.01, momentum=0.9),
        budget=budget if with_budget else None,
        run_eagerly=True,
    )
    return model


def _gated(layer, family, name):
    return keras_l0.L0Gate(layer, family, l0=1e-3, name=name)


class KillLater(keras.callbacks.Callback):
    """Kills the process some time after training, or an epoch, has begun."""

    def __init__(self, seconds: float, epoch: int | None):
        super().__init__()
        self._seconds, self._epoch = seconds, epoch

    def on_train_begin(self, logs=None):
        if self._epoch is None:
            self._start()

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self._epoch:
            self._start()

    def _start(self):
        threading.Thread(target=self._kill, daemon=True).start()

    def _kill(self):
        time.sleep(self._seconds)
        os.kill(os.getpid(), signal.SIGKILL)


def train(family: str, setup: tuple, folder: str, first: list) -> None:
    """One process: trains, from a backup if there is one, and saves all."""
    save_freq, compacts, with_budget = setup
    model = build(family, with_budget)
    backup = keras.callbacks.BackupAndRestore(
        os.path.join(folder, "backup"), save_freq=save_freq
    )
    compact = keras_l0.callbacks.Compact(threshold=0.3)
    callbacks = [*first, backup, *([compact] if compacts else [])]
    rng = np.random.default_rng(1)
    x = rng.normal(size=(_ROWS, 6)).astype("float32")
    y = rng.normal(size=(_ROWS, 3)).astype("float32")
    start = time.perf_counter()
    model.fit(
        x,
        y,
        batch_size=_BATCH,
        epochs=_EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    seconds = time.perf_counter() - start
    variables = [*model.variables, *model.optimizer.variables]
    values = {str(i): v.numpy() for i, v in enumerate(variables)}
    written = os.path.join(folder, "written.npz")
    np.savez(written, seconds=seconds, cuts=len(compact.cuts), **values)
    os.replace(written, os.path.join(folder, "result.npz"))


def process(family: str, setup: tuple, folder: str, first: list) -> int:
    """Runs `train` in a process of its own; 0 unless it was killed.

    Nothing but imports has happened in this process, so that it can fork:
    importing TensorFlow takes longer than a trial.
    """
    child = os.fork()
    if not child:
        status = 1
        try:
            train(family, setup, folder, first)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"A training of {family} {setup} has failed.")
    return status


def result(folder: str) -> dict[str, np.ndarray]:
    """What a finished training left."""
    with np.load(os.path.join(folder, "result.npz")) as file:
        return dict(file)


def trial(family: str, setup: tuple, expected: dict, number: int) -> dict:
    """Kills a training up to three times, and compares its end."""
    around = setup[1] and number % 3 == 2
    folder, kills = tempfile.mkdtemp(), 0
    try:
        for _ in range(3):
            longest = _AROUND if around else float(expected["seconds"])
            # `Compact` cuts after the second epoch.
            killer = KillLater(
                random.uniform(0, longest), 1 if around else None
            )
            if not process(family, setup, folder, [killer]):
                break
            kills += 1
        else:
            process(family, setup, folder, [])
        found = result(folder)
    finally:
        shutil.rmtree(folder)
    names = {*found, *expected} - {"seconds"}
    different = [
        name
        for name in sorted(names)
        if name not in found
        or name not in expected
        or not np.array_equal(found[name], expected[name])
    ]
    return {"kills": kills, "around_a_cut": around, "different": different}


def run_family(family: str) -> dict:
    """All trials of a family."""
    setups = _SETUPS
    if family == "dependent":  # neither cut nor bound
        setups = [s for s in _SETUPS if not s[1] and not s[2]]
        setups += [(2, False, False)]
    expected, entries = {}, []
    for number in range(_TRIALS.value):
        setup = setups[number % len(setups)]
        if setup not in expected:
            folder = tempfile.mkdtemp()
            process(family, setup, folder, [])
            expected[setup] = result(folder)
            shutil.rmtree(folder)
        entry = trial(family, setup, expected[setup], number)
        entries.append({"setup": list(setup), **entry})
        print(family, entries[-1], flush=True)
    return {
        "family": family,
        "trials": len(entries),
        "kills": sum(entry["kills"] for entry in entries),
        "around_a_cut": sum(entry["around_a_cut"] for entry in entries),
        "cuts_per_run": {
            str(list(setup)): int(values["cuts"])
            for setup, values in expected.items()
        },
        "differences": sum(bool(entry["different"]) for entry in entries),
        "runs": entries,
    }


def main(argv: list[str]) -> None:
    random.seed(_KILL_SEED.value)
    families = []
    for family in _KILL_FAMILY.value:
        families.append(run_family(family))
        records.write(
            _KILL_PATH.value, {**records.origin(), "families": families}
        )


if __name__ == "__main__":
    app.run(main)
