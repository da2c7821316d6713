"""Cost of a gated training step, over the same step of the dense network.

    python -m benchmarks.step_cost --output=benchmarks/results/step_cost.json

Both compiled training functions live in one process and take turns on the
same batches, so that what else the machine does falls on both. The reported
number is the median of the ratios of neighbors.
"""

import itertools
import json
import platform
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl import app
from absl import flags

from benchmarks import networks

_FLAGS = flags.FLAGS
flags.DEFINE_multi_string("case", None, "Cases to run; all by default.")
flags.DEFINE_integer("pairs", 400, "Pairs of steps to time.", lower_bound=1)
flags.DEFINE_integer("batch_size", 128, "Examples per step.", lower_bound=1)
flags.DEFINE_integer("threads", 2, "Threads of TensorFlow.", lower_bound=1)
flags.DEFINE_integer("seed", 0, "Seed of weights, data and gates.")
flags.DEFINE_enum(
    "jit_compile", "auto", ["auto", "true", "false"], "As in `compile`."
)
flags.DEFINE_string("output", None, "JSON file for the result.")

# name -> (network, what the gates of each layer multiply, highest ratio wanted)
CASES = {
    "lenet5/outputs": (networks.lenet5, ("outputs",) * 3 + (None,), 1.08),
    "lenet5/published": (
        networks.lenet5, networks.PUBLISHED_LENET5[0], None
    ),
    "lenet_300_100/outputs": (
        networks.lenet_300_100, ("outputs", "outputs", None), 1.35
    ),
    "lenet_300_100/inputs": (networks.lenet_300_100, ("inputs",) * 3, 1.35),
    "lenet_300_100/weights": (networks.lenet_300_100, ("weights",) * 3, 2.2),
}
_WARM_UP = 20


def measure(case: str, pairs: int, batch_size: int, seed: int, jit_compile) -> dict:
    """Times `pairs` pairs of steps; milliseconds and their ratios."""
    build, on, target = CASES[case]
    keras.utils.set_random_seed(seed)
    dense = _step(build([None] * len(on)), batch_size, seed, jit_compile)
    gated = _step(build(on, l0=[1e-6] * len(on)), batch_size, seed, jit_compile)
    for _ in range(_WARM_UP):
        dense(), gated()
    times = np.empty((pairs, 2))
    for pair in range(pairs):
        # Whoever comes first changes from pair to pair.
        order = (0, 1) if pair % 2 else (1, 0)
        for which in order:
            times[pair, which] = (dense, gated)[which]()
    return {**_summary(times), "target": target}


def _step(model, batch_size, seed, jit_compile) -> Callable[[], float]:
    """One training step of `model`; returns its milliseconds."""
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    model.make_train_function()
    generator = np.random.default_rng(seed)
    x = generator.random((batch_size, *networks.IMAGE_SHAPE), "float32")
    y = generator.integers(0, networks.NUM_CLASSES, batch_size)
    batch = (tf.constant(x), tf.constant(y))
    batches = itertools.repeat(batch)

    def run():
        start = time.perf_counter()
        logs = model.train_function(batches)
        float(logs["loss"])  # waits for the end of the step
        return (time.perf_counter() - start) * 1e3

    return run


def _summary(times):
    ratios = times[:, 1] / times[:, 0]
    dense, gated = np.median(times, axis=0)
    low, high = np.quantile(ratios, [0.25, 0.75])
    return {
        "ratio": float(np.median(ratios)),
        "ratio_quartiles": [float(low), float(high)],
        "dense_ms": float(dense),
        "gated_ms": float(gated),
        "pairs": len(times),
    }
