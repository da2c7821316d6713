"""Gates every model of `keras.applications` and compares the outputs.

    python -m benchmarks.gating_coverage

One JSON file holds one entry per model; a model that has one is skipped.
"""

import collections
import os
import time

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from benchmarks import gated_applications
from benchmarks import records
from benchmarks import threads

_GATED = flags.DEFINE_list("gated", [], "Models; all by default.")
_PATH = flags.DEFINE_string(
    "gating_path",
    "benchmarks/results/gating_coverage.json",
    "Where results are kept.",
)


def measure(name: str, streams: bool) -> dict:
    """Adds gates to one model.

    Returns:
        entry: Numbers of layers with units, of gated ones and of gate vectors,
            the reasons of the others, whether the outputs agree bit for bit,
            and the seconds that it took.
    """
    keras.utils.set_random_seed(0)
    model = gated_applications.build(name)
    start = time.perf_counter()
    gated = keras_l0.add_gates(model, streams=streams)
    seconds = time.perf_counter() - start
    sites = keras_l0.gating.find_gate_sites(model, streams=streams)
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:]))
    x = (64 * x + 128).astype("float32")
    equal = np.array_equal(gated(x, training=False), model(x, training=False))
    reasons = collections.Counter(s.reason for s in sites if s.reason)
    return {
        "model": name,
        "layers": len(sites),
        "gated": sum(site.reason is None for site in sites),
        "vectors": len(keras_l0.layers.gate_vectors(gated)),
        "reasons": dict(reasons),
        "equal": bool(equal),
        "seconds": round(seconds, 1),
    }


def main(argv: list[str]) -> None:
    threads.limit_threads()
    path = _PATH.value
    record = records.read(path) if os.path.exists(path) else {"models": {}}
    for name in _GATED.value or gated_applications.names():
        for streams in (False, True):
            key = f"{name}, streams" if streams else name
            if key not in record["models"]:
                record["models"][key] = measure(name, streams)
                records.write(path, {**record, **records.origin()})
            print(record["models"][key], flush=True)


if __name__ == "__main__":
    app.run(main)
