"""Exports a model as a LiteRT (`.tflite`) file."""

import os

import keras
import numpy as np

from keras_l0.export import converter
from keras_l0.export import precision
from keras_l0.export import runners
from keras_l0.export import verification
from keras_l0.export.result import ExportResult
from keras_l0.export.stock import stock_model
from keras_l0.internal import agreement
from keras_l0.internal import files
from keras_l0.internal import inputs
from keras_l0.internal import validation


def export_litert(
    model: keras.Model,
    filepath: str | os.PathLike,
    quantize: str | None = None,
    calibration_data: object = None,
    *,
    probe: object = None,
) -> ExportResult:
    """Writes a model as a LiteRT file, for phones and microcontrollers.

    A gated model is stripped first. The file uses LiteRT's builtin operations
    only. It is written under a temporary name, loaded again and run: unless it
    is quantized to integers, it is renamed to `filepath` only if its outputs
    agree with those of `model` in inference mode.

    Inputs and outputs keep the types of the model's whatever `quantize` says.
    A model that computes in half precision or in float64 is written in
    float32.

    Args:
        model: A built Sequential or Functional model, gated or not.
        filepath: Path of the file to write; its folder must exist.
        quantize: One of

            - None: float32;
            - `"float16"`: weights in float16, half the size;
            - `"dynamic_range"`: weights of matrices and convolutions in int8
              (those of at least 1024 entries), activations in float;
            - `"int8"`: weights and activations in int8, integer arithmetic
              throughout. Needs `calibration_data`.

            Defaults to None.
        calibration_data: Array `[n, ...]` of typical inputs, 100 or more, from
            which the ranges of the activations are read; for several inputs a
            list in their order, or a dict by name. For `"int8"` only. The
            first 32 also serve as `probe`.
        probe: Input data for the check, in the same form. None makes up seeded
            random data. Defaults to None.

    Returns:
        result: An `ExportResult`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if `quantize` is not known, the model has no graph, or the
            data do not fit it, are empty, missing or of no use.
        OSError: if `filepath` cannot be written.
        RuntimeError: if the model cannot be written with builtin operations,
            or an output differs from the model's by more than 1e-4 of its
            scale (5e-2 for `"float16"` and float16 models, 2e-1 for bfloat16
            models), the scale being its largest absolute value.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3, activation="relu"))
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), gated, keras.layers.Dense(1)])
    >>> result = keras_l0.export_litert(model, "model.tflite")
    >>> result.max_difference < 1e-5
    True
    """
    inputs.check_graph(model)
    validation.check_choice("quantize", quantize, converter.QUANTIZATIONS)
    calibration = _calibration(model, quantize, calibration_data)
    if probe is None and calibration is not None:
        data = calibration
    else:
        data = verification.probe_data(model, probe)
    written = f"LiteRT {quantize or 'float32'}"
    with files.atomic_file(filepath) as temporary:
        plain = stock_model(model)
        with open(temporary, "wb") as file:
            file.write(converter.convert(plain, quantize, calibration))
        with open(temporary, "rb") as file:
            runner = runners.litert_runner(file.read(), plain)
        found = verification.verify(
            model, runner, data, tolerance(model, quantize), written
        )
        size = files.size_in_bytes(temporary)
    return ExportResult(
        path=os.fspath(filepath),
        format=written,
        bytes=size,
        max_difference=found.max_difference,
        max_reference=found.max_reference,
    )


def tolerance(model: keras.Model, quantize: str | None) -> float | None:
    """Largest difference that counts as rounding; None for integers."""
    if quantize in ("dynamic_range", "int8"):
        return None
    dtypes = precision.compute_dtypes(model) | {quantize or "float32"}
    return agreement.TOLERANCES[precision.coarsest(dtypes)]


def _calibration(
    model: keras.Model, quantize: str | None, calibration_data: object
) -> list[np.ndarray] | None:
    if quantize == "int8":
        if calibration_data is None:
            raise ValueError(
                "`calibration_data` is needed for `quantize='int8'`: typical "
                "inputs, from which the ranges of the activations are read. "
                "Received: calibration_data=None"
            )
        return inputs.as_arrays(model, calibration_data, "calibration_data")
    if calibration_data is not None:
        raise ValueError(
            "`calibration_data` is of use for `quantize='int8'` only. "
            f"Received: quantize={quantize!r}"
        )
    return None
