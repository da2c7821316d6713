"""Whether anything grows while a gated network trains for long.

    python -m benchmarks.step_leaks

Trains LeNet-300-100 with each gate family for so many steps of one `fit`, and
compares its last step with step 1,000: memory, open files, traces.
"""

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from benchmarks import overhead_child
from benchmarks import process_memory
from benchmarks import records
from benchmarks import threads
from benchmarks.budget_networks import NETWORKS
from benchmarks.step_overhead import FAMILIES

_STEPS = flags.DEFINE_integer("leak_steps", 10_000, "Steps.", lower_bound=2)
_FROM = flags.DEFINE_integer("leak_from", 1000, "First step compared.")
_FAMILIES = flags.DEFINE_multi_enum(
    "leak_family", list(FAMILIES), list(FAMILIES), "Gate families."
)
_PATH = flags.DEFINE_string(
    "leak_path", "benchmarks/results/step_leaks.json", "Results."
)

_STEPS_PER_EPOCH = 250
_BATCH = 16


class Watch(keras.callbacks.Callback):
    """Looks at the process once `first` steps are done, and at the end.

    Args:
        first: Number of steps.
        traces: List that grows whenever the step is traced.
    """

    def __init__(self, first: int, traces: list):
        super().__init__()
        self._first, self._traces, self._steps = first, traces, 0
        self.seen: list[dict] = []

    def on_train_batch_end(self, batch, logs=None):
        self._steps += 1
        if self._steps == self._first:
            self._look()

    def on_train_end(self, logs=None):
        self._look()

    def _look(self):
        self.seen.append(
            {
                "step": self._steps,
                "resident_mib": round(process_memory.resident(), 2),
                "open_files": process_memory.open_files(),
                "traces": len(self._traces),
            }
        )


def measure(family: str, steps: int, first: int) -> dict:
    """Trains with one family.

    Args:
        family: One of `step_overhead.FAMILIES`.
        steps: Steps in all.
        first: Step from which on nothing must grow.

    Returns:
        result: `growth`, the share by which memory grew from then on,
            `retraces` and `files` since then, and what was `seen`.
    """
    keras.utils.set_random_seed(0)
    gate = overhead_child.gate_of(family)
    dense = NETWORKS["lenet_300_100"][0]((28, 28, 1))
    model = keras_l0.add_gates(dense, gate, 1e-6)
    traces: list[None] = []

    def loss(y, logits):
        traces.append(None)  # Python runs while the step is traced, only.
        return keras.losses.sparse_categorical_crossentropy(y, logits, True)

    model.compile("adam", loss, metrics=["accuracy"], jit_compile=False)
    watch = Watch(first, traces)
    rng = np.random.default_rng(0)
    x = rng.random((_STEPS_PER_EPOCH * _BATCH, 28, 28, 1), "float32")
    y = rng.integers(0, 10, len(x))
    epochs = -(-steps // _STEPS_PER_EPOCH)
    model.fit(
        x, y, batch_size=_BATCH, epochs=epochs, verbose=0, callbacks=[watch]
    )
    return {"family": family, **changes(*watch.seen), "seen": watch.seen}


def changes(before: dict, after: dict) -> dict:
    """What grew between two looks.

    Example:

    >>> from benchmarks import step_leaks
    >>> early = {"resident_mib": 100.0, "open_files": 9, "traces": 1}
    >>> late = {"resident_mib": 101.0, "open_files": 9, "traces": 1}
    >>> step_leaks.changes(early, late)
    {'growth': 0.01, 'files': 0, 'retraces': 0}
    """
    growth = after["resident_mib"] / before["resident_mib"] - 1
    return {
        "growth": round(growth, 5),
        "files": after["open_files"] - before["open_files"],
        "retraces": after["traces"] - before["traces"],
    }


def main(argv: list[str]) -> None:
    threads.limit_threads()
    results = []
    for family in _FAMILIES.value:
        results.append(measure(family, _STEPS.value, _FROM.value))
        print({k: v for k, v in results[-1].items() if k != "seen"}, flush=True)
        records.write(
            _PATH.value,
            {**records.origin(), "steps": _STEPS.value, "families": results},
        )


if __name__ == "__main__":
    app.run(main)
