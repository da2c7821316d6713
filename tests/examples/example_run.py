"""Runs an example on a few random images."""

import contextlib
import io
import json
import os
from unittest import mock

import numpy as np
from absl import flags

ROWS = 80
FILES = [
    "accuracy_size.png",
    "architecture.png",
    "dense.keras",
    "gated.keras",
    "model.tflite",
    "model_int8.tflite",
    "open_units.png",
    "report.json",
    "saved_model",
    "stripped.keras",
]


def write_dataset(folder: str) -> None:
    """Writes `mnist.npz`: images that are bright where their class says."""
    generator = np.random.default_rng(17)
    y = np.arange(ROWS) % 10
    x = generator.integers(0, 128, (ROWS, 28, 28), "uint8")
    for image, label in zip(x, y, strict=True):
        image[2 * label : 2 * label + 8] += 120
    np.savez(
        os.path.join(folder, "mnist.npz"),
        x_train=x,
        y_train=y,
        x_test=x[:20],
        y_test=y[:20],
    )


def run(main, define_flags, folder: str, *arguments: str) -> tuple[dict, str]:
    """Runs `main` with flags of its own.

    Args:
        main: The example's `main`.
        define_flags: Defines its flags in the `FlagValues` that it is given.
        folder: Where the data are put; `out` in it is the output folder.
        *arguments: Further flags.

    Returns:
        report: The content of `report.json`.
        output: What was printed.
    """
    write_dataset(folder)
    values = flags.FlagValues()
    define_flags(values)
    output_dir = os.path.join(folder, "out")
    values(["", "--dataset=mnist", f"--output_dir={output_dir}", *arguments])
    printed = io.StringIO()
    with mock.patch.dict(os.environ, {"KERAS_L0_DATA": folder}):
        with contextlib.redirect_stdout(printed):
            main([""], values)
    with open(os.path.join(output_dir, "report.json")) as file:
        return json.load(file), printed.getvalue()
