"""Times training steps of two models that take turns on the same batch."""

import itertools
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

_LEAST_PAIRS = 20


def training_step(
    model: keras.Model,
    batch: tuple[tf.Tensor, tf.Tensor],
    jit_compile: bool,
    optimizer: str = "adam",
) -> Callable[[], float]:
    """Compiles `model`.

    Args:
        model: A classifier that gives logits.
        batch: Inputs and classes.
        jit_compile: Whether XLA compiles the step.
        optimizer: Name of the optimizer.

    Returns:
        step: Trains on `batch` once, and gives its milliseconds.
    """
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    model.make_train_function()
    batches = itertools.repeat(batch)

    def step():
        start = time.perf_counter()
        logs = model.train_function(batches)
        float(logs["loss"])  # waits for the end of the step
        return (time.perf_counter() - start) * 1e3

    return step


def take_turns(
    first: Callable[[], float],
    second: Callable[[], float],
    pairs: int,
    seconds: float,
    warm_up: int = 10,
) -> np.ndarray:
    """Calls two steps by turns; who begins changes from pair to pair.

    Args:
        first: A step that gives its milliseconds.
        second: Another one.
        pairs: The most pairs of calls.
        seconds: No pair starts after so long, once there are 20.
        warm_up: Pairs before, which do not count.

    Returns:
        times: Milliseconds, `[pairs, 2]`.
    """
    for _ in range(warm_up):
        first(), second()
    start = time.monotonic()
    times = []
    while len(times) < pairs and not (
        len(times) >= _LEAST_PAIRS and time.monotonic() - start > seconds
    ):
        if len(times) % 2:
            times.append((first(), second()))
        else:
            times.append((second(), first())[::-1])
    return np.array(times)


def summary(times: np.ndarray) -> dict:
    """The median of the ratios of neighbors, and what belongs to it.

    Args:
        times: Milliseconds, `[pairs, 2]`; the dense step comes first.

    Returns:
        summary: `ratio`, its quartiles, both medians in milliseconds.
    """
    low, ratio, high = np.quantile(times[:, 1] / times[:, 0], (0.25, 0.5, 0.75))
    dense, other = np.median(times, axis=0)
    return {
        "ratio": round(float(ratio), 4),
        "ratio_quartiles": [round(float(low), 4), round(float(high), 4)],
        "dense_ms": round(float(dense), 3),
        "ms": round(float(other), 3),
        "pairs": len(times),
    }
