"""JSON files of results: written whole or not at all, with their origin."""

import json
import os
import platform
import shlex
import sys

import keras
import tensorflow as tf
import tensorflow_probability as tfp

import keras_l0


def origin() -> dict:
    """The command and the versions that a result comes from."""
    return {
        "command": shlex.join(["python", *_command()]),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "tensorflow_probability": tfp.__version__,
            "keras_l0": keras_l0.__version__,
        },
        "machine": platform.machine(),
    }


def _command():
    """`-m benchmarks.x` and the flags, without the path of the checkout."""
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    return ["-m", f"benchmarks.{name}", *sys.argv[1:]]


def read(path: str) -> dict:
    """Reads a JSON file."""
    with open(path) as file:
        return json.load(file)


def write(path: str, record: dict) -> None:
    """Writes `record` beside `path` first, then renames it."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    temporary = f"{path}.tmp"
    with open(temporary, "w") as file:
        json.dump(record, file, indent=1)
        file.write("\n")
    os.replace(temporary, path)
