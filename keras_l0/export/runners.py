"""Runs a SavedModel or a LiteRT file as a model is run.

A runner takes a list of arrays, one per input in the order of `model.inputs`,
and returns a list of arrays, one per output in the order of `model.outputs`.
"""

import warnings
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_l0.export import signature
from keras_l0.internal.model_runner import Runner
from keras_l0.internal.model_runner import input_structure
from keras_l0.internal.model_runner import to_numpy

# TensorFlow's warning that its interpreter will move to another package.
MOVING_INTERPRETER = r"\s*Warning: tf.lite.Interpreter is deprecated"

# Rows of one call where a model takes any number of them: bounds the memory.
_CHUNK = 64


def saved_model_runner(filepath: str, model: keras.Model) -> Runner:
    """Runs the SavedModel that was exported from `model`."""
    structure = input_structure(model)
    loaded = tf.saved_model.load(filepath)

    def run(arrays):
        tensors = [tf.convert_to_tensor(array) for array in arrays]
        packed = keras.tree.pack_sequence_as(structure, tensors)
        return to_numpy(loaded.serve(packed))

    return run


def litert_runner(content: bytes, model: keras.Model) -> Runner:
    """Runs the LiteRT flatbuffer that was converted from `model`."""
    run_signature = interpreter(content).get_signature_runner()
    names = signature.input_names(model)

    def run(arrays):
        outputs = run_signature(**dict(zip(names, arrays, strict=True)))
        return [outputs[name] for name in signature.output_names(model)]

    return run


def interpreter(content: bytes, num_threads: int = 1) -> tf.lite.Interpreter:
    """A LiteRT interpreter for the flatbuffer `content`."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", MOVING_INTERPRETER)
        return tf.lite.Interpreter(
            model_content=content, num_threads=num_threads
        )


def in_chunks(
    arrays: Sequence[np.ndarray], size: int | None
) -> list[list[np.ndarray]]:
    """Splits rows into batches.

    Args:
        arrays: One array per input, with the same number of rows.
        size: The batch size that the model prescribes; rows that do not fill
            a batch are left out. None: any size.

    Returns:
        batches: Lists of arrays, one per input.
    """
    rows = len(arrays[0])
    stop = rows if size is None else rows - rows % size
    step = size or _CHUNK
    return [
        [array[start : start + step] for array in arrays]
        for start in range(0, stop, step)
    ]
