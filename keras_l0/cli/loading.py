"""Loads Keras models from files, whose code is never run."""

import re
import zipfile

import keras

from keras_l0.cli import paths
from keras_l0.cli.command import TaskError

_MEMBERS = ("config.json", "metadata.json")
_WEIGHTS = ("model.weights.h5", "model.weights.npz")


def load_model(name: str, path: str, instead: str) -> keras.Model:
    """Loads a model from a `.keras` or `.h5` file.

    Args:
        name: Name of the argument, for messages.
        path: The file.
        instead: What cannot be done with a SavedModel, for the message.

    Returns:
        model: Not compiled.

    Raises:
        TaskError: if it cannot be loaded; the message says why.
    """
    paths.check_model(name, path)
    if paths.is_saved_model(path):
        raise TaskError(
            f"{name} is a SavedModel, which keeps no layers: {instead}. Give "
            "the `.keras` file that it was exported from. "
            f"Received: {path}"
        )
    if paths.suffix(path) == ".keras":
        _check_archive(name, path)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever its readers raise.
        raise TaskError(f"{_reason(name, error)} Received: {path}") from error


def _check_archive(name, path):
    """Raises where Keras would say that there is no file."""
    if not zipfile.is_zipfile(path):
        raise TaskError(
            f"{name} is not a Keras file, or only a part of one: `.keras` "
            f"files are zip archives, and this is none. Received: {path}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            found = set(archive.namelist())
    except Exception as error:  # Whatever a damaged list of members brings.
        raise TaskError(f"{_reason(name, error)} Received: {path}") from error
    missing = [member for member in _MEMBERS if member not in found]
    if not found.intersection(_WEIGHTS):
        missing.append(_WEIGHTS[0])
    if missing:
        raise TaskError(
            f"{name} is a zip archive, but not a Keras file: it holds no "
            f"{', '.join(missing)}. Received: {path}"
        )


def _reason(name, error):
    """What Keras' message comes down to, and the way out."""
    text = str(error)
    if "Python lambda" in text or "safe_mode=False" in text:
        return (
            f"{name} holds a Python lambda, and code in a model file is never "
            "run. Save the model with a `keras.ops` call or a registered "
            "layer in place of the `Lambda`."
        )
    unknown = re.search(r"Could not locate \w+ '([^']+)'", text)
    unknown = unknown or re.search(r"Unknown \w+: '?([\w>.]+)", text)
    if unknown:
        return (
            f"{name} uses `{unknown.group(1)}`, which neither Keras nor "
            "keras_l0 knows. Load the model in Python, where the class is "
            "imported, and call keras_l0 there."
        )
    first = (text.strip() or type(error).__name__).split("\n")[0][:300]
    if isinstance(error, OSError | KeyError | zipfile.BadZipFile):
        return f"{name} is damaged, or not a Keras file ({first})."
    return f"{name} cannot be loaded ({type(error).__name__}: {first})."
