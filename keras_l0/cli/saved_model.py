"""Reads, runs and converts a SavedModel, which keeps no layers."""

import dataclasses
import math
import os
import re
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_l0.cli.command import TaskError
from keras_l0.export import converter
from keras_l0.export import runners
from keras_l0.internal import files

SIGNATURE = "serving_default"


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """A tensor that a SavedModel takes or returns; open sizes are None."""

    name: str
    shape: tuple[int | None, ...] | None
    dtype: str


@dataclasses.dataclass(frozen=True)
class SavedModelInfo:
    """What the files of a SavedModel say; nothing of it is run.

    Attributes:
        inputs: Those of the signature that serves.
        outputs: Likewise.
        signatures: Names of all signatures.
        params: Integer, entries of its variables.
        bytes: Integer, size of all its files.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    signatures: tuple[str, ...]
    params: int
    bytes: int


def read_info(name: str, path: str) -> SavedModelInfo:
    """Reads what a SavedModel takes and returns.

    Args:
        name: Name of the argument, for messages.
        path: The folder.

    Raises:
        TaskError: if it cannot be read, or has no signature to serve.
    """
    try:
        with open(os.path.join(path, "saved_model.pb"), "rb") as file:
            content = saved_model_pb2.SavedModel.FromString(file.read())
        (graph, *_) = content.meta_graphs
        params = _count_variables(path)
    except Exception as error:  # Protobuf and TensorFlow have their own.
        raise TaskError(
            f"{name} is not a SavedModel, or only a part of one "
            f"({type(error).__name__}). Received: {path}"
        ) from error
    signatures = dict(graph.signature_def)
    shown = tuple(sorted(key for key in signatures if key[:2] != "__"))
    if SIGNATURE not in signatures:
        raise TaskError(
            f"{name} has no signature '{SIGNATURE}', which says what it takes "
            f"and returns. Received: {path} with {shown}"
        )
    served = signatures[SIGNATURE]
    return SavedModelInfo(
        inputs=_tensors(served.inputs),
        outputs=_tensors(served.outputs),
        signatures=shown,
        params=params,
        bytes=files.size_in_bytes(path),
    )


def stand_in(info: SavedModelInfo) -> keras.Model:
    """A Keras model with the inputs of a SavedModel, which it returns."""
    tensors = [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
        for tensor in info.inputs
        for name in [tensor.name]
    ]
    return keras.Model(tensors, tensors)


def run_saved_model(path: str, info: SavedModelInfo) -> runners.Runner:
    """A function of one array per input that gives one per output."""
    loaded = tf.saved_model.load(path)
    serve = loaded.signatures[SIGNATURE]

    def run(arrays):
        tensors = {
            tensor.name: tf.convert_to_tensor(array)
            for tensor, array in zip(info.inputs, arrays, strict=True)
        }
        found = serve(**tensors)
        _ = loaded  # A signature alone does not keep its variables.
        return [found[tensor.name].numpy() for tensor in info.outputs]

    return run


def convert(
    path: str,
    info: SavedModelInfo,
    quantize: str | None = None,
    calibration: Sequence[np.ndarray] | None = None,
) -> bytes:
    """The LiteRT flatbuffer of a SavedModel.

    Args:
        path: The folder.
        info: What `read_info` says of it.
        quantize: As in `export_litert`.
        calibration: One array per input, for `"int8"`.

    Raises:
        RuntimeError: if it cannot be written with builtin operations.
    """
    calibrate = None
    if quantize == "int8":
        served = tf.saved_model.load(path).signatures[SIGNATURE]
        converter.refuse_loops(served.graph.as_graph_def(), path)
        names = [tensor.name for tensor in info.inputs]
        rows = info.inputs[0].shape[0] or 1
        calibrate = converter.batches(names, rows, calibration)
    lite = tf.lite.TFLiteConverter.from_saved_model(
        path, signature_keys=[SIGNATURE]
    )
    return converter.run(lite, path, quantize, calibrate)


def _count_variables(path):
    prefix = os.path.join(path, "variables", "variables")
    if not os.path.exists(f"{prefix}.index"):
        return 0
    return sum(
        math.prod(shape)
        for key, shape in tf.train.list_variables(prefix)
        if key.endswith(".ATTRIBUTES/VARIABLE_VALUE")
        and not key.startswith("save_counter")
    )


def _tensors(infos):
    """In the order in which Keras numbers outputs, else of their names."""
    return tuple(
        TensorInfo(name, _shape(info), tf.as_dtype(info.dtype).name)
        for name, info in sorted(infos.items(), key=_natural)
    )


def _natural(item):
    return [
        int(part) if part.isdigit() else part
        for part in re.split(r"(\d+)", item[0])
    ]


def _shape(info):
    if info.tensor_shape.unknown_rank:
        return None
    sizes = (dim.size for dim in info.tensor_shape.dim)
    return tuple(None if size < 0 else size for size in sizes)
