"""Runs the command line on a small trained network, and writes docs/cli.md.

    python -m benchmarks.cli_session

Every command of the page is run, in a folder of its own; what the page shows
is what the shell showed.
"""

import dataclasses
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from examples import datasets

_OUTPUT = flags.DEFINE_string(
    "session_page", "docs/cli.md", "The page to write."
)
_EPOCHS = flags.DEFINE_integer(
    "session_epochs",
    40,
    "Epochs with gates; half as many before.",
    lower_bound=1,
)
_SEED = flags.DEFINE_integer("session_seed", 1, "Seed of the training.")

_L0 = 5e-5
_ROOT = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True)
class Scene:
    """A part of the page: what is to be shown, and the lines that show it."""

    title: str
    text: str
    lines: tuple[str, ...]


SCENES = (
    Scene(
        "Help",
        "Help, and whatever is wrong with a command line, is answered without "
        "loading\nTensorFlow.",
        ("keras-l0 --help", "keras-l0 strip --help"),
    ),
    Scene(
        "Look",
        "`dense.keras` is a small residual network, trained on the digits of\n"
        "scikit-learn. Where could gates stand?",
        ("keras-l0 inspect dense.keras",),
    ),
    Scene(
        "Look at gates",
        "`gated.keras` is the same network after `keras_l0.add_gates("
        "model, streams=True)`\nand some more training, which has closed "
        "gates.",
        ("keras-l0 inspect gated.keras",),
    ),
    Scene(
        "Ask the machine for a width",
        "How many units can a layer have for the same time? This depends on "
        "the machine:\nrun it on yours.",
        (
            "keras-l0 latency gated.keras --layer=conv_2",
            "keras-l0 latency gated.keras --layer=hidden "
            "--widths=16,29,30,31,32,63",
        ),
    ),
    Scene(
        "Strip",
        "Try first, then write. An existing file is kept.",
        (
            "keras-l0 strip gated.keras small.keras --round_to=8 --dry_run",
            "keras-l0 strip gated.keras small.keras",
            "keras-l0 strip gated.keras small.keras --round_to=4",
            "echo $?",
            "keras-l0 strip gated.keras small.keras --round_to=4 --overwrite",
        ),
    ),
    Scene(
        "Compare",
        "The gated and the stripped network compute the same; the dense one "
        "is another\nnetwork by now. `images.npy` holds the test images. "
        "`--html` writes the page that\n`keras_l0.report.to_html` makes.",
        (
            "keras-l0 compare gated.keras small.keras --data=images.npy",
            "keras-l0 compare dense.keras small.keras --data=images.npy "
            "--quantize=int8 --html=report.html",
            "ls *.html",
        ),
    ),
    Scene(
        "Export",
        "A gated model is stripped on the way. `images.npy` calibrates the "
        "integers.",
        (
            "keras-l0 export gated.keras digits.tflite",
            "keras-l0 export gated.keras int8.tflite --quantize=int8 "
            "--calibration=images.npy",
            "keras-l0 export small.keras serving",
            "keras-l0 inspect serving",
            "keras-l0 export serving half.tflite --quantize=float16",
        ),
    ),
    Scene(
        "JSON",
        "Each command prints one JSON document with `--json`, and nothing else "
        "on stdout.",
        (
            "keras-l0 strip gated.keras x.keras --dry_run --json | head -n 9",
            "keras-l0 inspect small.keras --json | python -c "
            "'import json, sys; print(json.load(sys.stdin)[\"total\"])'",
        ),
    ),
    Scene(
        "What goes wrong",
        "Exit code 2 is for a command line that is none, 1 for a task that "
        "failed.\nMessages go to stderr. `truncated.keras` is the first half "
        "of `gated.keras`,\n`lambda.keras` has a layer `Lambda(lambda x: x / "
        "255)`, and `tables.npy` holds an\narray of the wrong shape.",
        (
            "keras-l0",
            "keras-l0 stirp gated.keras small.keras",
            "keras-l0 strip gated.keras",
            "keras-l0 strip gated.keras small.keras --dry-run",
            "keras-l0 strip gated.keras small.keras --round_to=0",
            "keras-l0 export gated.keras x.tflite --quantize=int8",
            "echo $?",
            "keras-l0 inspect gatde.keras",
            "keras-l0 inspect truncated.keras",
            "keras-l0 inspect notes.keras",
            "keras-l0 inspect lambda.keras",
            "keras-l0 strip serving x.keras",
            "keras-l0 strip gated.keras x.keras --include=cnov_2",
            "keras-l0 export gated.keras x.tflite --quantize=int8 "
            "--calibration=tables.npy",
            "echo $?",
        ),
    ),
)
_HEAD = """\
# The command line

`keras-l0`, or `python -m keras_l0`, does with files what the library does with
models: `.keras` and `.h5` files and, where it makes sense, SavedModels. This
page is a session on a shell, written by `python -m benchmarks.cli_session`.

- A model file cannot run code: Keras' safe mode stays on, a model with a Python
  lambda or with a class that nobody has registered is refused. A SavedModel is
  a TensorFlow program: `inspect` only reads it, `compare` and `export` run it.
- What is at OUT stays there unless `--overwrite` is given, and until the new
  file is complete.
- Exit codes: 0 done, 1 the task failed, 2 not a command line.
"""


def build() -> keras.Model:
    """The network of the session, not trained."""
    layers = keras.layers
    images = keras.Input((8, 8, 1), name="images")
    x = layers.Conv2D(32, 3, use_bias=False, name="conv_1")(images)
    x = layers.BatchNormalization(name="norm_1")(x)
    x = stream = layers.ReLU(name="relu_1")(x)
    x = layers.Conv2D(48, 3, padding="same", activation="relu", name="conv_2")(
        x
    )
    x = layers.Conv2D(32, 3, padding="same", name="conv_3")(x)
    x = layers.Add(name="add")([stream, x])
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(64, activation="relu", name="hidden")(x)
    return keras.Model(
        images, layers.Dense(10, name="logits")(x), name="digits"
    )


def fit(model: keras.Model, data: datasets.Dataset, epochs: int) -> None:
    """Trains a network on the digits."""
    model.compile(
        "adam",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(data.x_train, data.y_train, epochs=epochs, verbose=0)


def prepare(folder: pathlib.Path, epochs: int, seed: int) -> None:
    """Trains the networks and writes every file that the session reads."""
    keras.utils.set_random_seed(seed)
    data = datasets.load("digits")
    dense = build()
    fit(dense, data, max(1, epochs // 2))
    dense.save(folder / "dense.keras")
    gated = keras_l0.add_gates(dense, l0=_L0, streams=True)
    fit(gated, data, epochs)
    gated.save(folder / "gated.keras")
    np.save(folder / "images.npy", data.x_test)
    np.save(folder / "tables.npy", data.x_test[..., 0])
    content = (folder / "gated.keras").read_bytes()
    (folder / "truncated.keras").write_bytes(content[: len(content) // 2])
    (folder / "notes.keras").write_text("Ask Ada for the network.\n")
    scaled = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Lambda(lambda x: x / 255)]
    )
    scaled.save(folder / "lambda.keras")


def transcript(lines: Sequence[str], folder: pathlib.Path) -> str:
    """What a shell shows when the lines are typed in `folder`."""
    script = "\n".join(f"{_prompt(line)}\n{line}" for line in lines)
    environment = dict(os.environ)
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    environment["PATH"] = os.pathsep.join(
        [str(folder / ".bin"), environment["PATH"]]
    )
    environment["PYTHONPATH"] = str(_ROOT)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


def _prompt(line):
    """Shows a line and leaves the exit code of the one before it."""
    return f"code=$?; echo {shlex.quote(f'$ {line}')}; (exit $code)"


def install(folder: pathlib.Path) -> None:
    """Puts `keras-l0` and `python` where the session's shell finds them."""
    programs = folder / ".bin"
    programs.mkdir()
    for name, words in (("keras-l0", ' -m keras_l0 "$@"'), ("python", ' "$@"')):
        path = programs / name
        path.write_text(
            f"#!/bin/sh\nexec {shlex.quote(sys.executable)}{words}\n"
        )
        path.chmod(0o755)


def page(scenes: Sequence[Scene], folder: pathlib.Path) -> str:
    """The whole page; the scenes are played one after the other."""
    parts = [_HEAD]
    for scene in scenes:
        shown = transcript(scene.lines, folder).replace("\n$ ", "\n\n$ ")
        parts.append(
            f"## {scene.title}\n\n{scene.text}\n\n```\n{shown.strip()}\n```\n"
        )
    text = "\n".join(parts)
    if str(folder) in text or str(_ROOT) in text:
        raise ValueError("The page names a folder of this machine.")
    return text


def main(argv: Sequence[str]) -> None:
    """Writes the page."""
    if argv[1:]:
        raise app.UsageError(f"Only flags are taken. Received: {argv[1:]}")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        install(folder)
        prepare(folder, _EPOCHS.value, _SEED.value)
        text = page(SCENES, folder)
    pathlib.Path(_OUTPUT.value).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    app.run(main)
