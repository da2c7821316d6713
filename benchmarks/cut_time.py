"""Times a cut of `Compact`, and the retrace behind it.

python -m benchmarks.cut_time
"""

import os
import time

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from benchmarks import gated_applications
from benchmarks import networks
from benchmarks import records

_CUT_PATH = flags.DEFINE_string(
    "cut_path", "benchmarks/results/cut_time.json", "Where results are kept."
)
_CUT_NETWORKS = flags.DEFINE_list(
    "cut_networks", ["lenet5", "ResNet50"], "Networks to cut."
)
_STEPS, _CUT_AT = 8, 4


class StepTimes(keras.callbacks.Callback):
    """Seconds of each step, callbacks left out."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_train_batch_begin(self, batch, logs=None):
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])  # waits
        self.seconds.append(time.perf_counter() - self._start)


def network(name: str) -> keras_l0.L0Model:
    """A gated network, LeNet-5 or one of `keras.applications`."""
    keras.utils.set_random_seed(0)
    if name == "lenet5":
        on = ("outputs", "outputs", "outputs", None)
        return networks.lenet5(on=on, gate="diff_prune")
    dense = gated_applications.build(name)
    return keras_l0.L0Model.from_model(keras_l0.add_gates(dense, "diff_prune"))


def measure(name: str) -> dict:
    """Trains for some steps, with a cut of half of all units between them."""
    model = network(name)
    rng = np.random.default_rng(0)
    for vector in keras_l0.layers.gate_vectors(model).values():
        closed = rng.permutation(vector.num_gates) < vector.num_gates // 2
        vector.logits.assign(np.where(closed, -3.0, 3.0))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=False)
    times = StepTimes()
    compact = keras_l0.callbacks.Compact(every=_CUT_AT, patience=1)
    x = rng.normal(size=(2 * _STEPS, *model.input_shape[1:])).astype("float32")
    y = rng.integers(0, 10, 2 * _STEPS)
    before = model.count_params()
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[times, compact])
    cut = compact.cuts[0]
    later = float(np.median(times.seconds[_CUT_AT + 1 :]))
    return {
        "network": name,
        "gates": sum(
            vector.num_gates
            for vector in keras_l0.layers.gate_vectors(model).values()
        ),
        "params_before": before,
        "params_after": model.count_params(),
        "macs_left": round(cut["macs"], 4),
        "cut_seconds": round(cut["seconds"], 2),
        "retrace_seconds": round(times.seconds[_CUT_AT] - later, 2),
        "first_trace_seconds": round(times.seconds[0] - later, 2),
        # Others' work on the machine: at rest about 1.
        "load_average": round(os.getloadavg()[0], 1),
        "processors": os.cpu_count(),
    }


def main(argv: list[str]) -> None:
    entries = []
    for name in _CUT_NETWORKS.value:
        keras.backend.clear_session()
        entries.append(measure(name))
        print(entries[-1], flush=True)
    records.write(_CUT_PATH.value, {**records.origin(), "cuts": entries})


if __name__ == "__main__":
    app.run(main)
