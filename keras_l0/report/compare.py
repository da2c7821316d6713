"""Compares a network before gating, with gates, and stripped."""

import tempfile
from collections.abc import Sequence

import keras
import numpy as np

from keras_l0 import cost
from keras_l0.export import converter
from keras_l0.export import runners
from keras_l0.export.stock import stock_model
from keras_l0.internal import agreement
from keras_l0.internal import inputs
from keras_l0.internal import model_runner
from keras_l0.internal import validation
from keras_l0.layers import has_gates
from keras_l0.report import latency
from keras_l0.report.artifacts import Artifacts
from keras_l0.report.comparison import Comparison
from keras_l0.report.comparison import ModelFigures

_MADE_UP_ROWS = 32


def compare(
    model: keras.Model | None,
    gated: keras.Model | None,
    small: keras.Model | None = None,
    x: object = None,
    *,
    quantize: str | Sequence[str] = (),
    runs: int = 200,
) -> Comparison:
    """Measures what gating and stripping have brought.

    One row for each of the dense, the gated and the stripped model: weights,
    multiply-accumulates, bytes of the files, and the time that LiteRT takes
    for one example. The gated model computes with all its units and is not
    meant to be deployed: it gets no SavedModel and no LiteRT file. Outputs of
    the stripped model, and of each file of it once reloaded, are compared with
    those of the gated model in inference mode. Files are written to a
    temporary folder and removed.

    Without `gated`, a dense and a stripped model are compared. The stripped
    one then has nothing that it must agree with but its own files: the outputs
    of the dense model, and of each file, are compared with its outputs. Those
    of the dense model may differ for a good reason, such as fine-tuning.

    Args:
        model: The dense model to compare with, or None.
        gated: The trained model with its gates. None if there is none, and
            `model` and `small` are given.
        small: The stripped model. None strips `gated`. Defaults to None.
        x: Input data `[n, ...]`; for several inputs a list, or a dict by
            name. The first row is the one that is timed. None makes up seeded
            random data. Defaults to None.
        quantize: Quantizations as in `export_litert`, one or several: each
            adds a row for the stripped model. `"int8"` is calibrated on `x`.
            Defaults to `()`.
        runs: Positive integer, how often each LiteRT model is timed on each
            number of threads (10 seconds at most). Defaults to 200.

    Returns:
        comparison: A `Comparison`: print it, or take `to_dict()` or
            `to_json()`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if a model has no graph or other inputs than `gated`,
            `small` has gates, `gated` is missing and `model` or `small` too,
            `x` does not fit, a quantization is not known, or `"int8"` comes
            without `x`.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3, activation="relu"))
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), gated, keras.layers.Dense(1)])
    >>> comparison = keras_l0.compare(None, model, runs=10)
    >>> comparison.to_dict()["models"]["gated"]["params"]
    13
    """
    _check_models(model, gated, small)
    quantizations = _quantizations(quantize, x)
    _check_runs(runs)
    small = stock_model(gated) if small is None else small
    data = _data(small, x)
    with tempfile.TemporaryDirectory() as folder:
        stages = _write(model, gated, small, folder, quantizations, data)
        differences, largest_output = _differences(stages, data)
    times = _times(stages, data, runs)
    rows = tuple(row for stage in stages for row in _rows(stage, times))
    return Comparison(
        models=rows,
        differences=differences,
        largest_output=largest_output,
        examples=len(data[0]),
        batch=inputs.batch_size(small) or 1,
        notes=tuple(note for stage in stages for note in stage.notes),
        reference="stripped" if gated is None else "gated",
    )


def _check_models(model, gated, small):
    if gated is None and (model is None or small is None):
        raise ValueError(
            "`gated` may be None only where `model` and `small` are given. "
            f"Received: model={_name(model)}, small={_name(small)}"
        )
    first, reference = ("small", small) if gated is None else ("gated", gated)
    inputs.check_graph(reference)
    _check_same_inputs("model", model, first, reference)
    _check_same_inputs("small", small, first, reference)
    if small is not None and has_gates(small):
        raise ValueError(
            "`small` must be stripped, but it has gates. Pass "
            f"`strip_gates(gated)` or None. Received: small='{small.name}'"
        )
    if gated is None and has_gates(model):
        raise ValueError(
            "`model` must be dense where `gated` is None, but it has gates. "
            f"Pass it as `gated`. Received: model='{model.name}'"
        )


def _name(model):
    return None if model is None else f"'{model.name}'"


def _check_same_inputs(name, other, first, reference):
    if other is None:
        return
    expected = [(t.shape, t.dtype) for t in reference.inputs]
    found = [(t.shape, t.dtype) for t in inputs.check_graph(other).inputs]
    if found != expected:
        raise ValueError(
            f"`{name}` must take the same inputs as `{first}`: {expected}. "
            f"Received: {found}"
        )


def _check_runs(runs):
    if isinstance(runs, bool) or not isinstance(runs, int):
        raise TypeError(f"`runs` must be an integer. Received: runs={runs!r}")
    validation.check_positive("runs", runs)


def _quantizations(quantize, x):
    names = (quantize,) if isinstance(quantize, str) else tuple(quantize)
    for name in names:
        validation.check_choice("quantize", name, converter.QUANTIZATIONS[1:])
    if "int8" in names and x is None:
        raise ValueError(
            "`x` is needed for `quantize='int8'`: typical inputs, from which "
            "the ranges of the activations are read. Received: x=None"
        )
    return names


def _data(model: keras.Model, x: object) -> list[np.ndarray]:
    """One array per input; whole batches where the model prescribes a size."""
    if x is None:
        return inputs.made_up(model, _MADE_UP_ROWS)
    arrays = inputs.as_arrays(model, x, "x")
    rows = len(arrays[0])
    rows -= rows % (inputs.batch_size(model) or 1)
    return [array[:rows] for array in arrays]


def _write(model, gated, small, folder, quantizations, data):
    """The artifacts of each stage; those of the stripped model come last."""
    named = {"dense": model, "gated": gated, "stripped": small}
    stages = [Artifacts(n, m) for n, m in named.items() if m is not None]
    for stage in stages:
        stage.add_keras(folder)
        if stage.name != "gated":
            stage.add_saved_model(folder)
            stage.add_litert()
    for quantize in quantizations:
        stages[-1].add_litert(quantize, data if quantize == "int8" else None)
    return stages


def _differences(stages, data):
    """What was run -> largest difference, and the scale of the reference.

    The reference is the gated model; without one it is the stripped model, and
    what is run is the dense one and the files.
    """
    dense, stripped = stages[0], stages[-1]
    gated = next((s for s in stages if s.name == "gated"), None)
    first = dense if gated is None else stripped
    reference = model_runner.model_runner((gated or stripped).model)
    batches = runners.in_chunks(data, inputs.batch_size(stripped.model))
    expected = [reference(batch) for batch in batches]

    def measure(runner):
        return agreement.worst(
            [
                agreement.measure(outputs, runner(batch))
                for outputs, batch in zip(expected, batches, strict=True)
            ]
        )

    candidates = {f"{first.name} model": model_runner.model_runner(first.model)}
    for form, runner in stripped.forms.items():
        candidates[f"stripped {form}"] = runner
    differences = {}
    for name, runner in candidates.items():
        found = stripped.attempt("Outputs", measure, runner)
        if found is not None:
            differences[name] = found.max_difference
    scale = agreement.worst([agreement.measure(e, e) for e in expected])
    return differences, scale.max_reference


def _times(stages, data, runs):
    """Name of the row -> number of threads -> milliseconds."""
    times: dict[str, dict[int, float]] = {}
    for num_threads in (1, 2):
        calls = {}
        for stage in stages:
            sample = [a[: inputs.batch_size(stage.model) or 1] for a in data]
            for name, content in stage.litert.items():
                calls[name] = latency.litert_call(
                    content, stage.model, sample, num_threads
                )
        for name, median in latency.median_times(calls, runs).items():
            times.setdefault(name, {})[num_threads] = median
    return times


def _rows(stage, times):
    """The row of a model, and one for each of its quantized forms."""
    counted = cost.count(stage.model)
    if counted.uncounted:
        stage.notes.append(
            f"MACs of {stage.name} are without those of: "
            f"{', '.join(counted.uncounted)}"
        )
    rows = [
        ModelFigures(
            stage.name,
            params=counted.params,
            macs=counted.macs,
            keras_bytes=stage.sizes.get("keras"),
            saved_model_bytes=stage.sizes.get("saved_model"),
            **_litert_figures(stage, stage.name, times),
        )
    ]
    for name in stage.litert:
        if name != stage.name:
            figures = _litert_figures(stage, name, times)
            rows.append(ModelFigures(name, **figures))
    return rows


def _litert_figures(stage, name, times):
    if name not in stage.litert:
        return {}
    return {
        "litert_bytes": len(stage.litert[name]),
        "ms_1_thread": times[name][1],
        "ms_2_threads": times[name][2],
    }
