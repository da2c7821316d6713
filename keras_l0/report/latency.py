"""Measures how long LiteRT takes for one call."""

import statistics
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from keras_l0.export import runners
from keras_l0.export import signature

_FEWEST_RUNS = 10


def litert_call(
    content: bytes,
    model: keras.Model,
    sample: Sequence[np.ndarray],
    num_threads: int,
) -> Callable[[], None]:
    """The call of a LiteRT model on data that is already in place.

    Args:
        content: The flatbuffer.
        model: The model that it was converted from.
        sample: One array per input: the batch of a single call.
        num_threads: Positive integer.

    Returns:
        call: Takes nothing and returns nothing.
    """
    interpreter = runners.interpreter(content, num_threads)
    details = interpreter.get_signature_runner().get_input_details()
    indices = [details[name]["index"] for name in signature.input_names(model)]
    for index, array in zip(indices, sample, strict=True):
        interpreter.resize_tensor_input(index, array.shape)
    interpreter.allocate_tensors()
    for index, array in zip(indices, sample, strict=True):
        interpreter.set_tensor(index, array)
    return interpreter.invoke


def median_times(
    calls: Mapping[str, Callable[[], object]],
    runs: int,
    seconds: float = 10.0,
) -> dict[str, float]:
    """Median duration of each of several calls, in milliseconds.

    The calls take turns, forwards and backwards, so that what disturbs the
    machine meets all of them alike. In its turn a call runs twice and only
    the second time counts: the first fills the caches again.

    Args:
        calls: Name -> function without arguments.
        runs: Positive integer, how often each call is timed.
        seconds: Positive float. The rounds end after this time, once there
            have been 10. Defaults to 10.

    Returns:
        milliseconds: Name -> median.
    """
    times: dict[str, list[int]] = {name: [] for name in calls}
    turns = list(calls.items())
    end = time.monotonic() + seconds
    for run in range(runs):
        if run >= _FEWEST_RUNS and time.monotonic() > end:
            break
        for name, call in turns:
            call()
            start = time.perf_counter_ns()
            call()
            times[name].append(time.perf_counter_ns() - start)
        turns.reverse()
    return {name: statistics.median(times[name]) / 1e6 for name in calls}
