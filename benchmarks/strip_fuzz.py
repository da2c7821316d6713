"""Strips random networks and counts those whose outputs change.

    python -m benchmarks.strip_fuzz --graphs=20000

Network number n is `tests.surgery.random_graphs.random_case(n)`; even ones are
float64, odd ones float32. A mismatch prints its number. Started again, the
program goes on behind the last network that it finished.
"""

import collections
import gc
import itertools
import os
import sys
import time

import keras
from absl import app
from absl import flags

import keras_l0
from benchmarks import records
from benchmarks import threads
from tests.surgery import random_check
from tests.surgery import random_graphs
from tests.surgery.strip_test_case import outputs

_GRAPHS = flags.DEFINE_integer("graphs", 20000, "How many.", lower_bound=1)
_FIRST = flags.DEFINE_integer("first_graph", 0, "Number of the first network.")
_LAYERS = flags.DEFINE_integer("graph_layers", 10, "Layers per network, about.")
_PATH = flags.DEFINE_string(
    "fuzz_path",
    "benchmarks/results/strip_fuzz.json",
    "Where the counts are kept.",
)
_KEPT_EVERY = 100


def check(number: int, layers: int = 10) -> tuple[str, float]:
    """Strips network `number`.

    Returns:
        outcome: `"smaller"`, `"same size"`, `"refused"` (nothing is left
            between inputs and outputs, or `keep_gates` is out of reach),
            `"mismatch"` or `"error"`.
        difference: Largest difference of the outputs, as a part of their
            scale and of what is allowed; above 1 is a mismatch. What is
            allowed grows with the error of the gated network itself.
    """
    policy = "float64" if number % 2 == 0 else "float32"
    keras.backend.clear_session()
    keras.config.set_dtype_policy(policy)
    keras.config.set_floatx(policy)
    case = random_graphs.random_case(number, layers)
    options = random_graphs.random_options(number)
    try:
        small = keras_l0.strip_gates(case.model, **options)
    except ValueError as error:
        refused = any(r in str(error) for r in random_graphs.REFUSALS)
        return "refused" if refused else f"error: {error}", 0.0
    x = keras.tree.pack_sequence_as(case.model.input, case.inputs)
    expected, actual = outputs(case.model, x), outputs(small, x)
    ratio = random_check.excess(number, case, expected, actual, layers)
    if not ratio <= 1:  # NaN, too
        return "mismatch", ratio
    cut = small.count_params() < _params(case.model)
    return "smaller" if cut else "same size", ratio


def _params(model):
    return keras_l0.cost.count(model).params


def _read(path):
    if not os.path.exists(path):
        return {"next": _FIRST.value, "outcomes": {}, "bad": [], "worst": 0.0}
    return records.read(path)


def main(argv: list[str]) -> None:
    threads.limit_threads()
    # Keras collects garbage for every network: not among TensorFlow's modules.
    gc.freeze()
    record, start = _read(_PATH.value), time.monotonic()
    counts = collections.Counter(record["outcomes"])
    end = _FIRST.value + _GRAPHS.value
    for number in itertools.count(record["next"]):
        if number % _KEPT_EVERY == 0 or number >= end:
            record |= {"next": number, "outcomes": dict(counts)}
            records.write(_PATH.value, {**record, **records.origin()})
            print(number, dict(counts), f"{record['worst']:.2g}", flush=True)
        if number >= end:
            break
        outcome, ratio = check(number, _LAYERS.value)
        kind = outcome.split(":")[0]
        counts[kind] += 1
        record["worst"] = max(record["worst"], ratio)
        if kind in ("mismatch", "error"):
            record["bad"].append([number, outcome, ratio])
            print("network", number, outcome, ratio, flush=True)
    print(f"{time.monotonic() - start:.0f} s")
    sys.exit(bool(record["bad"]))


if __name__ == "__main__":
    app.run(main)
