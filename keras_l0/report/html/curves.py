"""Reads the history of a training."""

import math
import numbers
from collections.abc import Mapping


def read_history(history: object) -> dict[str, list[tuple[float, float]]]:
    """Points of each curve of a training.

    Args:
        history: What `fit` returns, or its `history`: name of each metric ->
            values, one for each epoch or, with `validation_freq`, for each
            epoch that was validated.

    Returns:
        curves: Name -> epoch, the first of which is 1, and value. Values that
            are not finite are left out, and so are curves without points.

    Raises:
        TypeError: if `history` is something else.
    """
    record = getattr(history, "history", history)
    if not isinstance(record, Mapping):
        raise TypeError(
            "`history` must be what `fit` returns, or a mapping from metrics "
            f"to values. Received: history={history!r} "
            f"({type(history).__name__})"
        )
    for name, values in record.items():
        _check(name, values)
    last = max(map(len, record.values()), default=0)
    epochs = list(getattr(history, "epoch", None) or range(last))
    curves = {
        str(name): _points(values, epochs) for name, values in record.items()
    }
    return {name: points for name, points in curves.items() if points}


def _check(name, values):
    sequence = hasattr(values, "__len__") and not isinstance(values, str)
    if not sequence or not all(isinstance(v, numbers.Real) for v in values):
        raise TypeError(
            "`history` must hold a list of numbers for each metric. "
            f"Received: history[{name!r}]={values!r}"
        )


def _points(values, epochs):
    return [
        (float(epoch + 1), float(value))
        for epoch, value in zip(_when(len(values), epochs), values, strict=True)
        if math.isfinite(value)
    ]


def _when(count, epochs):
    """The epochs after which `count` values were taken."""
    for every in range(1, len(epochs) + 1):
        # As Keras validates.
        taken = [epoch for epoch in epochs if (epoch + 1) % every == 0]
        if len(taken) == count:
            return taken
    return epochs[len(epochs) - count :]
