"""Looks at paths: what is there, and what would be lost."""

import difflib
import os

from keras_l0.cli.command import TaskError

FOLDER = ""  # The suffix of a SavedModel.
KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")


def suffix(path: str) -> str:
    """The suffix of a path, in small letters; "" for a folder's."""
    return os.path.splitext(path.rstrip(os.sep))[1].lower()


def is_saved_model(path: str) -> bool:
    """Whether the folder of a SavedModel is there."""
    return any(os.path.isfile(os.path.join(path, n)) for n in _SAVED_MODEL)


def check_model(name: str, path: str) -> None:
    """Raises a `TaskError` if nothing at `path` may be a model.

    Args:
        name: Name of the argument, for messages.
        path: Where the model is to be.
    """
    if not os.path.exists(path):
        raise TaskError(f"{name} does not exist.{_near(path)} Received: {path}")
    if os.path.isdir(path) and not is_saved_model(path):
        raise TaskError(
            f"{name} is a folder, but not a SavedModel: it holds no "
            f"{_SAVED_MODEL[0]}. Received: {path}"
        )
    if os.path.isfile(path) and suffix(path) not in KERAS_SUFFIXES:
        raise TaskError(
            f"{name} must be a file that ends in {', '.join(KERAS_SUFFIXES)} "
            f"or the folder of a SavedModel. Received: {path}"
        )


def check_output(name: str, path: str, overwrite: bool) -> None:
    """Raises a `TaskError` if `path` cannot be written, or is not to be.

    Args:
        name: Name of the argument, for messages.
        path: What is to be written.
        overwrite: Whether what is there may be replaced.
    """
    folder = os.path.dirname(path.rstrip(os.sep)) or "."
    if not os.path.isdir(folder):
        raise TaskError(
            f"{name} lies in a folder that does not exist: {folder}. "
            f"Received: {path}"
        )
    if os.path.lexists(path) and not overwrite:
        raise TaskError(
            f"{name} exists. `--overwrite` replaces it. Received: {path}"
        )


def _near(path):
    """A file beside it that may have been meant."""
    folder, name = os.path.split(path)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return f" There is no folder {folder}."
    near = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean `{os.path.join(folder, near[0])}`?" if near else ""
