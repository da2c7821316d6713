"""Files that the examples write: whole, or not at all."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping

import keras
import numpy as np

import keras_l0


def prepare(folder: str) -> None:
    """Makes the folder, and finds out whether it can be written to.

    Raises:
        OSError: if it cannot.
    """
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


@contextlib.contextmanager
def whole(folder: str, name: str) -> Iterator[str]:
    """A temporary path, renamed at the end: a file is whole or not there."""
    temporary = os.path.join(folder, f".{name}")
    try:
        yield temporary
        os.replace(temporary, os.path.join(folder, name))
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def save(model: keras.Model, folder: str, name: str) -> None:
    """Writes a `.keras` file."""
    with whole(folder, name) as path:
        model.save(path)


def save_json(content: Mapping, folder: str, name: str) -> None:
    """Writes a JSON file."""
    with whole(folder, name) as path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)


def export(
    model: keras.Model, folder: str, probe: np.ndarray, calibration: np.ndarray
) -> None:
    """Writes a SavedModel and two LiteRT files: in float32, and in int8.

    Each is read back and checked before it is kept.

    Args:
        model: A model of one input.
        folder: Where `saved_model`, `model.tflite` and `model_int8.tflite` go.
        probe: Inputs for the check.
        calibration: Inputs from which int8 takes the ranges of activations.
    """

    def path(name):
        return os.path.join(folder, name)

    print(keras_l0.export_saved_model(model, path("saved_model"), probe=probe))
    print(keras_l0.export_litert(model, path("model.tflite"), probe=probe))
    print(
        keras_l0.export_litert(
            model,
            path("model_int8.tflite"),
            quantize="int8",
            calibration_data=calibration,
            probe=probe,
        )
    )


def listing(folder: str) -> str:
    """Names of what is in the folder, for a message."""
    names = [name for name in os.listdir(folder) if name[0] != "."]
    return f"Written to {folder}: {', '.join(sorted(names))}"
