"""Compares two models of which one, or both, are SavedModels."""

import dataclasses
import tempfile
from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np

from keras_l0 import cost
from keras_l0.cli import arrays
from keras_l0.cli import loading
from keras_l0.cli import paths
from keras_l0.cli import saved_model
from keras_l0.cli.command import TaskError
from keras_l0.export import converter
from keras_l0.export import runners
from keras_l0.export import signature
from keras_l0.export.stock import stock_model
from keras_l0.internal import agreement
from keras_l0.internal import inputs
from keras_l0.internal import model_runner
from keras_l0.layers import has_gates
from keras_l0.report import Comparison
from keras_l0.report import ModelFigures
from keras_l0.report import latency
from keras_l0.report.artifacts import Artifacts

_MADE_UP_ROWS = 32


@dataclasses.dataclass(frozen=True)
class Side:
    """A model, whatever it was loaded from.

    Attributes:
        figures: Its row, without what LiteRT makes of it.
        model: A Keras model with its inputs.
        runner: Runs it.
        convert: Makes its LiteRT flatbuffer, given a quantization and
            calibration data.
    """

    figures: ModelFigures
    model: keras.Model
    runner: model_runner.Runner
    convert: Callable[[str | None, Sequence[np.ndarray] | None], bytes]


def load_side(name: str, path: str) -> Side:
    """Loads A or B from a file or from the folder of a SavedModel.

    Raises:
        TaskError: if it cannot be loaded.
    """
    row = "dense" if name == "A" else "stripped"
    if paths.is_saved_model(path):
        return _from_folder(row, path, saved_model.read_info(name, path))
    model = inputs.check_graph(loading.load_model(name, path, "give a file"))
    if name == "B":
        model = stock_model(model)
    elif has_gates(model):
        row = "gated"
    return _from_model(row, model)


def _from_folder(row, path, info):
    figures = ModelFigures(
        row, params=info.params, saved_model_bytes=info.bytes
    )
    return Side(
        figures,
        saved_model.stand_in(info),
        saved_model.run_saved_model(path, info),
        lambda quantize, data: saved_model.convert(path, info, quantize, data),
    )


def _from_model(row, model):
    counted = cost.count(model)
    written = Artifacts(row, model)
    with tempfile.TemporaryDirectory() as folder:
        written.add_keras(folder)  # The file at hand may hold an optimizer.
        if row != "gated":
            written.add_saved_model(folder)
    figures = ModelFigures(
        row,
        params=counted.params,
        macs=counted.macs,
        keras_bytes=written.sizes.get("keras"),
        saved_model_bytes=written.sizes.get("saved_model"),
    )
    plain = stock_model(model)
    return Side(
        figures,
        plain,
        model_runner.model_runner(model),
        lambda quantize, data: converter.convert(plain, quantize, data),
    )


def compare(
    a: Side, b: Side, data: str | None, quantize: Sequence[str], runs: int
) -> Comparison:
    """Compares A and B; the outputs of B are the reference.

    Args:
        a: The larger model.
        b: The smaller one.
        data: File of inputs; None makes them up.
        quantize: Quantizations of B.
        runs: How often each LiteRT model is timed.

    Raises:
        TaskError: if A and B take different inputs.
    """
    a = _with_inputs_of(a, b)
    batches = _batches(b.model, data)
    notes: list[str] = []
    contents = _contents(a, b, quantize, batches, notes)
    times = _times(a, b, contents, batches[0], runs)
    found = agreement.worst(
        [agreement.measure(b.runner(x), a.runner(x)) for x in batches]
    )
    rows = [_row(side.figures, contents, times) for side in (a, b)]
    rows += [
        _row(ModelFigures(name), contents, times)
        for name in contents
        if name not in (a.figures.name, b.figures.name)
    ]
    return Comparison(
        models=tuple(rows),
        differences={f"{a.figures.name} model": found.max_difference},
        largest_output=found.max_reference,
        examples=sum(len(batch[0]) for batch in batches),
        batch=inputs.batch_size(b.model) or 1,
        notes=tuple(notes),
        reference=b.figures.name,
    )


def _with_inputs_of(a, b):
    """`a` with its inputs in the order of those of `b`, by their names."""
    names = [signature.input_names(side.model) for side in (a, b)]
    tensors = a.model.inputs
    if sorted(names[0]) == sorted(names[1]):
        tensors = [tensors[names[0].index(name)] for name in names[1]]
    taken, expected = (
        [(t.shape, t.dtype) for t in side] for side in (tensors, b.model.inputs)
    )
    fits = len(taken) == 1 or sorted(names[0]) == sorted(names[1])
    if taken != expected or not fits:
        raise TaskError(
            "A and B must take the same inputs. Received: "
            f"{dict(zip(names[0], taken, strict=True))} and "
            f"{dict(zip(names[1], expected, strict=True))}"
        )
    if names[0] == names[1] or len(taken) == 1:
        return a
    places = [names[1].index(name) for name in names[0]]
    return dataclasses.replace(
        a,
        model=keras.Model(tensors, tensors),
        runner=lambda arrays: a.runner([arrays[place] for place in places]),
    )


def _batches(model, path):
    """The data, as lists of one array per input."""
    data = arrays.data_for(model, "--data", path)
    if data is None:
        data = inputs.made_up(model, _MADE_UP_ROWS)
    data = [data] if isinstance(data, np.ndarray) else data
    return runners.in_chunks(data, inputs.batch_size(model))


def _contents(a, b, quantize, batches, notes):
    """Name of a row -> its LiteRT flatbuffer."""
    wanted = [(a.figures.name, a, None), (b.figures.name, b, None)]
    wanted += [(f"{b.figures.name} {name}", b, name) for name in quantize]
    calibration = [np.concatenate(x) for x in zip(*batches, strict=True)]
    contents = {}
    for name, side, quantization in wanted:
        try:
            contents[name] = side.convert(
                quantization, calibration if quantization == "int8" else None
            )
        except RuntimeError as error:
            notes.append(f".tflite of {name}: {error}")
    return contents


def _times(a, b, contents, batch, runs):
    """Number of threads -> name of a row -> milliseconds."""
    sample = [x[: inputs.batch_size(b.model) or 1] for x in batch]
    times = {}
    for threads in (1, 2):
        calls = {
            name: latency.litert_call(
                content,
                a.model if name == a.figures.name else b.model,
                sample,
                threads,
            )
            for name, content in contents.items()
        }
        times[threads] = latency.median_times(calls, runs)
    return times


def _row(figures, contents, times):
    name = figures.name
    if name not in contents:
        return figures
    return dataclasses.replace(
        figures,
        litert_bytes=len(contents[name]),
        ms_1_thread=times[1][name],
        ms_2_threads=times[2][name],
    )
