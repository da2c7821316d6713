"""Compares the expected cost with the count of the stripped model.

    python -m benchmarks.cost_invariant

on random networks and on every model of `keras.applications`, with every gate
open or closed. `keras_l0.expected_cost` must be the count exactly. How often
`keras_l0.budget.CostModel` is, which never looks at the stripped model, is
noted beside it.
"""

import os
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import keras_l0
from benchmarks import gated_applications
from benchmarks import records
from benchmarks import threads
from tests.surgery import random_graphs

_GRAPHS = flags.DEFINE_integer(
    "invariant_graphs", 500, "Random networks.", lower_bound=0
)
_MODELS = flags.DEFINE_list(
    "invariant_models", [], "Models of keras.applications; all by default."
)
_PATH = flags.DEFINE_string(
    "invariant_path",
    "benchmarks/results/cost_invariant.json",
    "Where results are kept.",
)
# So far from 0 probabilities are 0 and 1 to the last bit.
_CERTAIN = 1000.0


def compare(model: keras.Model) -> dict:
    """Expected cost and count of a model whose gates are 0 or 1."""
    for vector in keras_l0.layers.gate_vectors(model).values():
        is_open = vector.deterministic_gate().numpy() > 0
        vector.logits.assign(np.where(is_open, _CERTAIN, -_CERTAIN))
    counted = keras_l0.cost.count(keras_l0.strip_gates(model))
    expected = keras_l0.expected_cost(model)
    start = time.perf_counter()
    cost_model = keras_l0.budget.CostModel(model)
    seconds = time.perf_counter() - start
    alone = cost_model(tf.cast(cost_model.open_gates(), tf.float64))
    kinds = expected._fields
    target = [getattr(counted, kind) for kind in kinds]
    return {
        "macs": [cost_model.dense.macs, counted.macs],
        "exact": [float(value) for value in expected] == target,
        "polynomial": [round(float(value)) for value in alone] == target,
        "polynomial_error": float(alone.macs) / max(counted.macs, 1) - 1,
        "seconds": round(seconds, 2),
    }


def random_networks(count: int) -> dict:
    """How many random networks are equal; those without gates are skipped."""
    found = {"networks": 0, "refused": 0, "exact": 0, "polynomial": 0}
    for number in range(count):
        keras.backend.clear_session()
        model = random_graphs.random_case(number).model
        if not keras_l0.layers.has_gates(model):
            continue
        try:
            entry = compare(model)
        except ValueError as error:
            if not any(r in str(error) for r in random_graphs.REFUSALS):
                raise
            found["refused"] += 1
            continue
        found["networks"] += 1
        for name in ("exact", "polynomial"):
            found[name] += entry[name]
        if not entry["exact"]:
            print("random network", number, entry, flush=True)
    return found


def application(name: str) -> dict:
    """Gates one model of `keras.applications`, and closes half the gates."""
    keras.utils.set_random_seed(0)
    gated = keras_l0.add_gates(gated_applications.build(name), streams=True)
    rng = np.random.default_rng(0)
    for vector in keras_l0.layers.gate_vectors(gated).values():
        closed = rng.permutation(vector.num_gates)[: vector.num_gates // 2]
        logits = vector.logits.numpy()
        logits[closed] = -_CERTAIN
        vector.logits.assign(logits)
    return compare(gated)


def main(argv: list[str]) -> None:
    threads.limit_threads()
    path = _PATH.value
    record = records.read(path) if os.path.exists(path) else {"models": {}}
    for name in _MODELS.value or gated_applications.names():
        if name in record["models"]:
            continue
        record["models"][name] = application(name)
        records.write(path, {**record, **records.origin()})
        print(name, record["models"][name], flush=True)
    if _GRAPHS.value:
        record["random"] = random_networks(_GRAPHS.value)
        records.write(path, {**record, **records.origin()})
        print(record["random"])


if __name__ == "__main__":
    app.run(main)
