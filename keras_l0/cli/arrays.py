"""Reads input data from NumPy files."""

import zipfile

import keras
import numpy as np

from keras_l0.cli.command import TaskError
from keras_l0.internal import inputs


def data_for(
    model: keras.Model, name: str, path: str | None
) -> np.ndarray | list[np.ndarray] | None:
    """The arrays in a file that fit the inputs of a model; None for no file.

    Args:
        model: A Sequential or Functional model.
        name: Name of the flag, for messages.
        path: A `.npy` or `.npz` file; pickles in it are refused. An archive
            of a single array fits a single input, whatever it is called.

    Returns:
        data: An array for a single input, else a list in the order of
            `model.inputs`.

    Raises:
        TaskError: if the file cannot be read.
        ValueError: if the arrays do not fit the model.
    """
    if path is None:
        return None
    loaded = _load(name, path)
    if isinstance(loaded, dict) and len(loaded) == len(model.inputs) == 1:
        (loaded,) = loaded.values()
    arrays = inputs.as_arrays(model, loaded, name)
    return arrays if len(arrays) > 1 else arrays[0]


def _load(name, path):
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return {key: loaded[key] for key in loaded.files}
    except FileNotFoundError as error:
        raise TaskError(f"`{name}` does not exist. Received: {path}") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TaskError(
            f"`{name}` must be a `.npy` or `.npz` file of numbers. "
            f"Received: {path}"
        ) from error
