"""Strips every model of `keras.applications`, half of its units closed.

    python -m benchmarks.strip_coverage

Per model: gates behind all activations, half of each layer's closed, one open
gate in twenty below 1, random weights. One JSON file holds one entry per
model; a model that has one is skipped. `python -m benchmarks.tables` makes the
table of docs/strip.md.
"""

import collections
import os
import resource
import time

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from benchmarks import gated_applications
from benchmarks import records
from benchmarks import threads

_MODELS = flags.DEFINE_list("coverage_models", [], "Models; all by default.")
_PATH = flags.DEFINE_string(
    "coverage_path",
    "benchmarks/results/strip_coverage.json",
    "Where results are kept.",
)
_SEED = flags.DEFINE_integer(
    "coverage_seed", 0, "Seed of weights, gates and images."
)


def measure(name: str, seed: int) -> dict:
    """Gates, strips and compares one model.

    Returns:
        entry: Sizes, times in seconds, the largest difference of the outputs
            as a part of their scale, barriers, and how many gated layers lost
            the units that their gates had closed.
    """
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    dense = gated_applications.build(name)
    gated = gated_applications.with_gates(dense, rng)
    start = time.perf_counter()
    small = keras_l0.strip_gates(gated)
    seconds = time.perf_counter() - start
    x = rng.normal(size=(2, *dense.input_shape[1:])).astype("float32")
    report = keras_l0.strip_gates(gated, dry_run=True, probe=x)
    gates = list(keras_l0.layers.gate_layers(gated))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "model": name,
        "input": dense.input_shape[1],
        "gates": len(gates),
        "layers": len(dense.layers),
        "params": [report.params_before, report.params_after],
        "macs": [report.macs_before, report.macs_after],
        "difference": report.max_difference / report.output_scale,
        "barriers": dict(
            collections.Counter(row.layer for row in report.barriers)
        ),
        "whole": _left_whole(small, gates),
        "seconds": round(seconds, 2),
        "peak_gib": round(memory, 2),
    }


def _left_whole(small, gates):
    """Names of gated activations that still have all their channels."""
    found = []
    for gate in gates:
        name = gate.name.removesuffix("_gate")
        if name not in {layer.name for layer in small.layers}:
            continue
        output = small.get_layer(name).output
        if output.shape[gate.axis] == gate.gate_vector.num_gates:
            found.append(name)
    return found


def main(argv: list[str]) -> None:
    threads.limit_threads()
    path = _PATH.value
    record = records.read(path) if os.path.exists(path) else {"models": {}}
    for name in _MODELS.value or gated_applications.names():
        if name not in record["models"]:
            record["models"][name] = measure(name, _SEED.value)
            records.write(path, {**record, **records.origin()})
        print(_line(record["models"][name]), flush=True)


def _line(entry):
    (p0, p1), (m0, m1) = entry["params"], entry["macs"]
    return (
        f"{entry['model']:<18} params {p0:>11,} -> {p1:>10,}, "
        f"MACs {m0:>13,} -> {m1:>12,} ({100 * m1 / m0:.0f} %), "
        f"difference {entry['difference']:.1e}, {entry['seconds']} s, "
        f"left whole: {len(entry['whole'])} of {entry['gates']}"
    )


if __name__ == "__main__":
    app.run(main)
