"""Times `strip_gates` itself, and measures the memory that it takes.

python -m benchmarks.strip_cost
"""

import resource
import sys
import time

import keras
import numpy as np
from absl import app
from absl import flags
from keras import layers

import keras_l0
from benchmarks import gated_applications
from benchmarks import records

_PATH = flags.DEFINE_string(
    "cost_path", "benchmarks/results/strip_cost.json", "Where results are kept."
)
_CHAINS = (50, 100, 200, 400)
_APPLICATIONS = ("EfficientNetB0", "ResNet50")


def chain(num_blocks: int) -> keras.Model:
    """So many gated residual blocks in a row, half of the gates closed."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 20000))
    x = y = keras.Input((16, 16, 8))
    for _ in range(num_blocks):
        z = layers.Conv2D(8, 3, padding="same", use_bias=False)(y)
        z = layers.BatchNormalization()(z)
        z = keras_l0.L0Gate(layers.ReLU())(z)
        y = layers.Add()([y, layers.Conv2D(8, 3, padding="same")(z)])
    model = keras.Model(x, y)
    rng = np.random.default_rng(0)
    for vector in keras_l0.layers.gate_vectors(model).values():
        vector.logits.assign(np.where(rng.random(8) < 0.5, -9.0, 9.0))
    return model


def measure(name: str, model: keras.Model) -> dict:
    """Strips `model` once.

    Returns:
        entry: Seconds, what the process' peak memory grew by, and the size of
            the model's weights, in GiB.
    """
    before, start = _peak(), time.perf_counter()
    keras_l0.strip_gates(model)
    return {
        "model": name,
        "layers": len(model.layers),
        "seconds": round(time.perf_counter() - start, 2),
        "peak_gib": round(_peak() - before, 3),
        "weights_gib": round(4 * model.count_params() / 2**30, 3),
    }


def _peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main(argv: list[str]) -> None:
    entries = []
    for name in _APPLICATIONS:
        dense = gated_applications.build(name)
        gated = gated_applications.with_gates(dense, np.random.default_rng(0))
        entries.append(measure(name, gated))
        print(entries[-1], flush=True)
    for size in _CHAINS:
        keras.backend.clear_session()
        entries.append(measure(f"{size} blocks", chain(size)))
        print(entries[-1], flush=True)
    records.write(_PATH.value, {**records.origin(), "models": entries})


if __name__ == "__main__":
    app.run(main)
