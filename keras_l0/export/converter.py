"""Turns a Keras model into a LiteRT flatbuffer of builtin operations."""

import contextlib
import io
import re
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_l0.export import precision
from keras_l0.export import runners
from keras_l0.export import signature
from keras_l0.internal import inputs

QUANTIZATIONS = (None, "float16", "dynamic_range", "int8")


def convert(
    model: keras.Model,
    quantize: str | None = None,
    calibration: Sequence[np.ndarray] | None = None,
) -> bytes:
    """Converts a model of stock layers.

    Args:
        model: A Sequential or Functional model.
        quantize: One of `QUANTIZATIONS`.
        calibration: One array per input, in the order of `model.inputs`;
            needed for `"int8"`.

    Returns:
        content: The flatbuffer. Its inputs and outputs are floats where the
            model's are.

    Raises:
        RuntimeError: if the model cannot be written with builtin operations.
    """
    # The converter gives up on a dict of inputs, and on odd names, without a
    # word of why.
    prepared = signature.with_flat_inputs(
        signature.with_plain_names(precision.in_float32(model))
    )
    subject = f"Model '{model.name}'"
    if quantize == "int8":
        refuse_loops(_graph(prepared), subject)
    return run(
        tf.lite.TFLiteConverter.from_keras_model(prepared),
        subject,
        quantize,
        batches(
            signature.input_names(model),
            inputs.batch_size(model) or 1,
            calibration,
        ),
    )


def run(
    converter: tf.lite.TFLiteConverter,
    subject: str,
    quantize: str | None,
    calibrate: Callable[[], Iterator[dict]] | None,
) -> bytes:
    """Runs LiteRT's converter.

    Args:
        converter: Of whatever model.
        subject: What is converted, for messages.
        quantize: One of `QUANTIZATIONS`.
        calibrate: What `batches` gives; needed for `"int8"`.

    Raises:
        RuntimeError: if it cannot be written with builtin operations.
    """
    _configure(converter, quantize, calibrate)
    try:
        with _quietly():
            return converter.convert()
    except Exception as error:
        raise RuntimeError(_explain(subject, error)) from error


@contextlib.contextmanager
def _quietly():
    """Without the converter's chat on stdout and warnings that do not apply."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # Inputs stay floats, so that they need no statistics.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs")
        warnings.filterwarnings("ignore", runners.MOVING_INTERPRETER)
        yield


def _configure(converter, quantize, calibrate):
    if quantize is None:
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        converter.representative_dataset = calibrate
        converter.target_spec.supported_ops = [
            tf.lite.OpsSet.TFLITE_BUILTINS_INT8
        ]


def batches(
    names: Sequence[str], size: int, calibration: Sequence[np.ndarray] | None
) -> Callable[[], Iterator[dict]]:
    """The calibration data, one batch after the other, as LiteRT wants it.

    Args:
        names: Of the inputs.
        size: Examples per batch.
        calibration: One array per input.
    """

    def generate():
        for batch in runners.in_chunks(calibration, size):
            yield dict(zip(names, batch, strict=True))

    return generate


def _graph(model):
    specs = [tf.TensorSpec(t.shape, t.dtype) for t in model.inputs]
    traced = tf.function(lambda *args: model(list(args), training=False))
    return traced.get_concrete_function(*specs).graph.as_graph_def()


def refuse_loops(graph: tf.compat.v1.GraphDef, subject: str) -> None:
    """Raises before LiteRT does worse: calibrating a loop kills the process.

    Args:
        graph: What is to be calibrated.
        subject: What that is, for the message.

    Raises:
        RuntimeError: if it holds a loop.
    """
    operations = [node.op for node in graph.node]
    for function in graph.library.function:
        operations += [node.op for node in function.node_def]
    if any("While" in operation for operation in operations):
        raise RuntimeError(
            f"{subject} holds a loop (a recurrent layer?), which LiteRT "
            "cannot calibrate for int8. Build the recurrent layers with "
            "`unroll=True`, or use `quantize='dynamic_range'`."
        )


def _explain(subject, error):
    """What LiteRT's message comes down to, and the ways out."""
    text = str(error)
    start = f"{subject} cannot be converted to LiteRT: "
    if "TensorList" in text:
        return start + (
            "recurrent layers need a known number of examples, or no loop. "
            "Give the model a batch size of its own "
            "(`keras.Input(batch_shape=(1, ...))`), or build the recurrent "
            "layers with `unroll=True`."
        )
    unknown = sorted(set(re.findall(r"'tf\.(\w+)' op is neither", text)))
    if unknown:
        return start + (
            f"it has no builtin operation for {', '.join(unknown)}. Replace "
            "the layers or operations that compute this."
        )
    return start + text.strip().split("\n")[0][:300]
