"""Checks that what was written computes what the model computes."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_l0.export import runners
from keras_l0.internal import agreement
from keras_l0.internal import inputs
from keras_l0.internal import model_runner

# Rows of made-up data, and the most that are taken of a user's.
_MADE_UP_ROWS = 3
_MOST_ROWS = 32


def probe_data(
    model: keras.Model, probe: object, name: str = "probe"
) -> list[np.ndarray]:
    """The data on which an export is checked: a user's, or made up."""
    if probe is None:
        return inputs.made_up(model, _MADE_UP_ROWS)
    return inputs.as_arrays(model, probe, name)


def verify(
    model: keras.Model,
    runner: model_runner.Runner,
    data: Sequence[np.ndarray],
    tolerance: float | None,
    written: str,
) -> agreement.Agreement:
    """Compares outputs, on one example and on several at once.

    Args:
        model: The source.
        runner: Runs what was written.
        data: One array per input.
        tolerance: Largest difference as a fraction of an output's scale; None
            to measure only.
        written: What was written, for messages.

    Returns:
        agreement: An `agreement.Agreement`.

    Raises:
        ValueError: if the model's outputs are NaN or infinite throughout.
        RuntimeError: if `runner` fails, or differs by more than `tolerance`.
    """
    reference = model_runner.model_runner(model)
    found = agreement.worst(
        [
            agreement.measure(
                _finite(reference(batch)), _run(runner, batch, written)
            )
            for batch in _batches(model, data)
        ]
    )
    if tolerance is not None and not found.relative <= tolerance:
        raise RuntimeError(
            f"The {written} does not compute what model '{model.name}' "
            f"computes: outputs differ by up to {found.max_difference:.1e} "
            f"(largest output {found.max_reference:.3g}; allowed are "
            f"{tolerance:.0e} of an output's scale). Nothing was written."
        )
    return found


def _batches(model, data):
    """A single row, then all of them; or batches of the size of the model."""
    data = [array[:_MOST_ROWS] for array in data]
    size = inputs.batch_size(model)
    if size is not None:
        return runners.in_chunks(data, size)
    return [[array[:1] for array in data], data]


def _finite(outputs):
    if not any(np.isfinite(output).any() for output in outputs):
        raise ValueError(
            "The model's outputs are not finite on the data of the check, "
            "which therefore shows nothing. Pass data that the model is meant "
            "for as `probe`."
        )
    return outputs


def _run(runner, batch, written):
    try:
        return runner(batch)
    except Exception as error:
        raise RuntimeError(
            f"The {written} does not run on {len(batch[0])} examples: {error}"
        ) from error
