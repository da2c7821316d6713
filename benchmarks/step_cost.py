"""Cost of a gated training step, over the same step of the dense network.

    python -m benchmarks.step_cost --threads=2 --output=step_cost.json

The compiled training functions of both networks live in one process and take
turns on the same batch, so that what else the machine does falls on both. The
result is the median of the ratios of neighbors.
"""

import functools
import itertools
import os
from collections.abc import Callable
from time import perf_counter

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import keras_l0
from benchmarks import networks
from benchmarks import records
from benchmarks import threads

_MAPS = ("outputs",) * 3 + (None,)
# One gate family each, trained by an L0Model.
_FAMILIES = {
    "hard_concrete": ("hard_concrete", 1.10),
    "diff_prune": ("diff_prune", 1.10),
    "straight_through": ("straight_through", 1.10),
    "dependent": ("dependent", 1.10),
    "disarm": (keras_l0.gates.ARM(), 1.45),
    "arm": (keras_l0.gates.ARM(estimator="arm"), 1.45),
    "ar": (keras_l0.gates.ARM(estimator="ar"), None),
}
# name -> (network, what the gates of each layer multiply, highest ratio wanted)
CASES = {
    "lenet5/outputs": (networks.lenet5, _MAPS, 1.08),
    "lenet5/published": (
        networks.lenet5,
        ("outputs", "outputs", "inputs", "inputs"),
        None,
    ),
    "lenet_300_100/outputs": (
        networks.lenet_300_100,
        ("outputs", "outputs", None),
        1.35,
    ),
    "lenet_300_100/inputs": (networks.lenet_300_100, ("inputs",) * 3, 1.35),
    "lenet_300_100/weights": (networks.lenet_300_100, ("weights",) * 3, 2.2),
    **{
        f"lenet5/{name}": (
            functools.partial(networks.lenet5, gate=gate),
            _MAPS,
            wanted,
        )
        for name, (gate, wanted) in _FAMILIES.items()
    },
}

_CASE = flags.DEFINE_multi_enum(
    "case", list(CASES), list(CASES), "Case to run; all by default."
)
_PAIRS = flags.DEFINE_integer(
    "pairs", 400, "Pairs of steps to time.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 128, "Examples per step.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of weights, data and gates.")
_JIT = flags.DEFINE_enum(
    "jit_compile", "auto", ["auto", "true", "false"], "As in `compile`."
)
_OUTPUT = flags.DEFINE_string("output", None, "JSON file for the results.")

_WARM_UP = 20


def measure(
    case: str,
    pairs: int = 400,
    batch_size: int = 128,
    seed: int = 0,
    jit_compile: bool | str = "auto",
) -> dict:
    """Times `pairs` pairs of steps.

    Args:
        case: A key of `CASES`.
        pairs: Number of pairs.
        batch_size: Examples per step.
        seed: Seed of weights, data and gates.
        jit_compile: As in `keras.Model.compile`.

    Returns:
        result: `ratio` (median, gated over dense) and its quartiles, the
            medians of both in milliseconds, and the ratio wanted.
    """
    build, on, target = CASES[case]
    keras.utils.set_random_seed(seed)
    batch = _batch(batch_size, seed)
    dense = _step(_dense(build, on), batch, jit_compile)
    gated = _step(build(on, l0=(1e-6,) * len(on)), batch, jit_compile)
    for _ in range(_WARM_UP):
        dense()
        gated()
    times = [_pair(dense, gated, number) for number in range(pairs)]
    return {"case": case, **_summary(np.array(times)), "target": target}


def _dense(build, on):
    """The same network without gates, a plain Keras model."""
    if isinstance(build, functools.partial):
        build = build.func
    return build((None,) * len(on))


def _pair(dense, gated, number):
    """Whoever goes first changes from pair to pair."""
    if number % 2:
        return dense(), gated()
    return (gated(), dense())[::-1]


def _batch(batch_size, seed):
    generator = np.random.default_rng(seed)
    x = generator.random((batch_size, *networks.IMAGE_SHAPE), "float32")
    y = generator.integers(0, networks.NUM_CLASSES, batch_size)
    return tf.constant(x), tf.constant(y)


def _step(model, batch, jit_compile) -> Callable[[], float]:
    """One training step of `model` as a function that gives milliseconds."""
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    model.make_train_function()
    batches = itertools.repeat(batch)

    def run():
        start = perf_counter()
        logs = model.train_function(batches)
        float(logs["loss"])  # waits for the end of the step
        return (perf_counter() - start) * 1e3

    return run


def _summary(times):
    ratios = times[:, 1] / times[:, 0]
    low, ratio, high = np.quantile(ratios, [0.25, 0.5, 0.75])
    dense, gated = np.median(times, axis=0)
    return {
        "ratio": round(float(ratio), 4),
        "ratio_quartiles": [round(float(low), 4), round(float(high), 4)],
        "dense_ms": round(float(dense), 3),
        "gated_ms": round(float(gated), 3),
        "pairs": len(times),
    }


def main(argv: list[str]) -> None:
    threads.limit_threads()
    jit_compile = {"auto": "auto", "true": True, "false": False}[_JIT.value]
    print(f"{'case':24} {'dense':>10} {'gated':>10} {'ratio':>7} {'wanted':>7}")
    results = []
    for case in _CASE.value:
        result = measure(
            case, _PAIRS.value, _BATCH_SIZE.value, _SEED.value, jit_compile
        )
        results.append(result)
        print(_line(result), flush=True)
        if _OUTPUT.value:
            settings = {
                "threads": threads.THREADS.value,
                "batch_size": _BATCH_SIZE.value,
                "seed": _SEED.value,
                "jit_compile": _JIT.value,
                "cores": os.cpu_count(),
            }
            records.write(
                _OUTPUT.value,
                {**records.origin(), **settings, "cases": results},
            )


def _line(result):
    wanted = "" if result["target"] is None else f"{result['target']:.2f}"
    return (
        f"{result['case']:24} {result['dense_ms']:7.2f} ms "
        f"{result['gated_ms']:7.2f} ms {result['ratio']:7.3f} {wanted:>7}"
    )


if __name__ == "__main__":
    app.run(main)
