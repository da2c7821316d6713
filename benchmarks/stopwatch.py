"""Times the epochs of `fit` and tests the model between them, off the clock."""

import time
from collections.abc import Sequence

import keras
import numpy as np

from examples.datasets import Dataset


class Stopwatch(keras.callbacks.Callback):
    """Writes down time and errors after each epoch.

    On the clock is all that `fit` does: steps, tracing, cuts. The processor's
    time is that of all threads of the process. It must be the last callback.

    Args:
        dataset: What the model is tested on.
        start: The last entry of an earlier `fit`, whose times go on; or None.

    Attributes:
        entries: For each epoch `seconds` and `cpu_seconds` since the first
            began, `steps` since then, `validation_error` and `test_error` in
            percent, and `step_seconds`, what the epoch took.
    """

    def __init__(self, dataset: Dataset, start: dict | None = None):
        super().__init__()
        self._dataset = dataset
        self._start = start or {"seconds": 0.0, "cpu_seconds": 0.0, "steps": 0}
        self.entries: list[dict] = []

    def on_train_begin(self, logs=None):
        self._steps = self._start["steps"]
        self._wall = time.perf_counter() - self._start["seconds"]
        self._cpu = time.process_time() - self._start["cpu_seconds"]

    def on_epoch_end(self, epoch, logs=None):
        wall, cpu = time.perf_counter(), time.process_time()
        self._steps += self.params["steps"]
        data = self._dataset
        self.entries.append(
            {
                "seconds": round(wall - self._wall, 3),
                "cpu_seconds": round(cpu - self._cpu, 3),
                "steps": self._steps,
                "loss": round(float(logs["loss"]), 5),
                "validation_error": self._error(
                    data.x_validation, data.y_validation
                ),
                "test_error": self._error(data.x_test, data.y_test),
            }
        )
        self._wall += time.perf_counter() - wall
        self._cpu += time.process_time() - cpu

    def _error(self, x, y):
        logits = self.model.predict(x, batch_size=500, verbose=0)
        return round(100 * float(np.mean(logits.argmax(-1) != y)), 4)


def spent(steps: int, cuts: Sequence[dict], steps_per_epoch: int) -> float:
    """Multiply-accumulates spent, in epochs of the dense network.

    Args:
        steps: Steps so far.
        cuts: For each cut `step`, how many steps were done, and `macs`, the
            fraction that a later step takes.
        steps_per_epoch: Steps of an epoch.

    Example:

    >>> from benchmarks import stopwatch
    >>> stopwatch.spent(30, [{"step": 10, "macs": 0.25}], 10)
    1.5
    """
    total, before, fraction = 0.0, 0, 1.0
    for cut in cuts:
        if cut["step"] >= steps:
            break
        total += fraction * (cut["step"] - before)
        before, fraction = cut["step"], cut["macs"]
    return (total + fraction * (steps - before)) / steps_per_epoch
