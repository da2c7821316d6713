"""Writes a model whole, or not at all."""

import keras

from keras_l0.cli import paths
from keras_l0.export import export_saved_model
from keras_l0.internal import files


def write(model: keras.Model, path: str) -> int:
    """Writes a `.keras` file or, without a suffix, a SavedModel.

    What is at `path` is replaced once the new file is complete.

    Args:
        model: The model, as it is to be written.
        path: Where to.

    Returns:
        size: Bytes that were written.
    """
    if paths.suffix(path) == paths.FOLDER:
        return export_saved_model(model, path).bytes
    with files.atomic_file(path, "OUT") as temporary:
        model.save(temporary)
    return files.size_in_bytes(path)
