"""Times the epochs of `fit` and tests the model between them, off the clock."""

import time
from collections.abc import Sequence

import keras

from benchmarks.classifiers import accuracy
from benchmarks.classifiers import refresh_statistics
from examples.datasets import Dataset

# So many tell a mean and a variance.
_EXAMPLES = 2000


class Stopwatch(keras.callbacks.Callback):
    """Writes down time and errors after each epoch.

    On the clock is all that `fit` does: steps, tracing, cuts. The processor's
    time is that of all threads of the process. Before a test the statistics of
    batch normalization are taken anew, whose averages may lag behind after few
    steps. It must be the last callback.

    Args:
        dataset: What the model is tested on.
        curve_examples: So many of its test images serve before the last
            epoch; None: all.
        start: The last entry of an earlier `fit`, whose times go on; or None.

    Attributes:
        entries: For each epoch `seconds` and `cpu_seconds` since the first
            began, `steps` since then, `loss`, and `test_error` in percent.
    """

    def __init__(
        self,
        dataset: Dataset,
        curve_examples: int | None = None,
        start: dict | None = None,
    ):
        super().__init__()
        self._dataset, self._curve_examples = dataset, curve_examples
        self._start = start or {"seconds": 0.0, "cpu_seconds": 0.0, "steps": 0}
        self.entries: list[dict] = []

    def on_train_begin(self, logs=None):
        self._steps = self._start["steps"]
        self._wall = time.perf_counter() - self._start["seconds"]
        self._cpu = time.process_time() - self._start["cpu_seconds"]

    def on_epoch_end(self, epoch, logs=None):
        wall, cpu = time.perf_counter(), time.process_time()
        self._steps += self.params["steps"]
        self.entries.append(
            {
                "seconds": round(wall - self._wall, 3),
                "cpu_seconds": round(cpu - self._cpu, 3),
                "steps": self._steps,
                "loss": round(float(logs["loss"]), 5),
                "test_error": self._test(epoch + 1 == self.params["epochs"]),
            }
        )
        self._wall += time.perf_counter() - wall
        self._cpu += time.process_time() - cpu

    def _test(self, is_last):
        data, count = self._dataset, None if is_last else self._curve_examples
        refresh_statistics(self.model, data.x_train[:_EXAMPLES])
        right = accuracy(self.model, data.x_test[:count], data.y_test[:count])
        return round(100 * (1 - right), 4)


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
