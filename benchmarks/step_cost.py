"""Cost of a gated training step, over the same step of the dense network.

    python -m benchmarks.step_cost --threads=2 --output=step_cost.json

The compiled training functions of both networks live in one process and take
turns on the same batch, so that what else the machine does falls on both. The
result is the median of the ratios of neighbors.
"""

import os

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags

import keras_l0
from benchmarks import networks
from benchmarks import records
from benchmarks import step_timing
from benchmarks import threads


def _arm(estimator):
    return keras_l0.gates.ARM(estimator=estimator, inference="binary")


_MAPS = ("outputs",) * 3 + (None,)
# name -> (network, what the gates of each layer multiply, highest ratio wanted)
_BY_HAND = {
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
}
# One gate family each, put on LeNet-5 by `add_gates`.
_FAMILIES = {
    "lenet5/hard_concrete": ("hard_concrete", 1.10),
    "lenet5/diff_prune": ("diff_prune", 1.10),
    "lenet5/straight_through": ("straight_through", 1.10),
    "lenet5/dependent": ("dependent", 1.10),
    "lenet5/disarm": (_arm("disarm"), 1.45),
    "lenet5/arm": (_arm("arm"), 1.45),
    "lenet5/ar": (_arm("ar"), None),
}
CASES = (*_BY_HAND, *_FAMILIES)

_CASE = flags.DEFINE_multi_enum(
    "case", CASES, CASES, "Case to run; all by default."
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

_L0 = 1e-6
_WARM_UP = 20
_MOST_SECONDS = 600.0


def measure(
    case: str,
    pairs: int = 400,
    batch_size: int = 128,
    seed: int = 0,
    jit_compile: bool | str = "auto",
) -> dict:
    """Times `pairs` pairs of steps.

    Args:
        case: One of `CASES`.
        pairs: Number of pairs.
        batch_size: Examples per step.
        seed: Seed of weights, data and gates.
        jit_compile: As in `keras.Model.compile`.

    Returns:
        result: What `step_timing.summary` gives, and the ratio wanted.
    """
    keras.utils.set_random_seed(seed)
    dense, gated, target = _networks(case)
    batch = _batch(batch_size, seed)
    times = step_timing.take_turns(
        step_timing.training_step(dense, batch, jit_compile),
        step_timing.training_step(gated, batch, jit_compile),
        pairs,
        _MOST_SECONDS,
        _WARM_UP,
    )
    return {"case": case, **step_timing.summary(times), "target": target}


def _networks(case):
    """A plain Keras model, the same network with gates, and what is wanted."""
    if case in _FAMILIES:
        gate, target = _FAMILIES[case]
        dense = networks.lenet5((None,) * 4)
        return dense, keras_l0.add_gates(dense, gate, _L0), target
    build, on, target = _BY_HAND[case]
    return build((None,) * len(on)), build(on, l0=(_L0,) * len(on)), target


def _batch(batch_size, seed):
    generator = np.random.default_rng(seed)
    x = generator.random((batch_size, *networks.IMAGE_SHAPE), "float32")
    y = generator.integers(0, networks.NUM_CLASSES, batch_size)
    return tf.constant(x), tf.constant(y)


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
        f"{result['ms']:7.2f} ms {result['ratio']:7.3f} {wanted:>7}"
    )


if __name__ == "__main__":
    app.run(main)
