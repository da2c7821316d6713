"""Runs a Keras model on plain lists of arrays.

A runner takes a list of arrays, one per input in the order of `model.inputs`,
and returns a list of arrays, one per output in the order of `model.outputs`.
"""

from collections.abc import Callable
from collections.abc import Sequence

import keras
import numpy as np

Runner = Callable[[Sequence[np.ndarray]], list[np.ndarray]]


def input_structure(model: keras.Model) -> object:
    """The model's inputs as its call takes them: a tensor, a list, a dict."""
    if isinstance(model, keras.Sequential):
        return model.inputs[0]
    return model.input


def model_runner(model: keras.Model) -> Runner:
    """Runs a Keras model in inference mode."""
    structure = input_structure(model)

    def run(arrays):
        tensors = [keras.ops.convert_to_tensor(array) for array in arrays]
        packed = keras.tree.pack_sequence_as(structure, tensors)
        return to_numpy(model(packed, training=False))

    return run


def to_numpy(outputs: object) -> list[np.ndarray]:
    """The tensors of a nested structure, flattened, as arrays."""
    return [
        keras.ops.convert_to_numpy(output)
        for output in keras.tree.flatten(outputs)
    ]
