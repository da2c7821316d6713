"""All that writes a file or a folder, for the tests of what goes wrong."""

import dataclasses
import functools
import json
import os
from collections.abc import Callable

import keras

import keras_l0
from keras_l0 import report
from keras_l0.callbacks.pareto_folder import ParetoFolder
from keras_l0.cli import main
from keras_l0.report import figures
from tests.export import models

EMPTY = report.ParetoFront("val_accuracy", "max", "macs")
FRONT = report.ParetoFront(
    "val_accuracy", "max", "macs", (report.ParetoPoint(9, 0.95, 1000, 40_000),)
)
COMPARISON = report.Comparison(
    models=(report.ModelFigures("dense", params=100),),
    differences={},
    largest_output=1.0,
    examples=1,
    batch=1,
    notes=(),
    reference="dense",
)


@dataclasses.dataclass(frozen=True)
class Writer:
    """Something that writes.

    Attributes:
        name: What the log calls it.
        target: Path of what it writes.
        write: Function of the path.
        room: Bytes that a file may take for the disk to be full midway.
        reads: Paths of what it reads.
        old: Path -> content of what an earlier run may have left there; None
            stands for a file at `target`.
    """

    name: str
    target: str
    write: Callable[[str], object]
    room: int = 64
    reads: tuple[str, ...] = ()
    old: dict[str, bytes] | None = None

    def leave_old(self) -> None:
        """Writes what an earlier run has left, in the present folder."""
        for path, content in (self.old or {self.target: b"old"}).items():
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)


@functools.cache
def model() -> keras.Model:
    """A gated model."""
    return models.gated_image_model()


def prepare(writer: Writer) -> None:
    """Writes the file that a command line reads, in the present folder."""
    for path in writer.reads:
        if path.endswith(".keras"):
            model().save(path)
        else:
            keras_l0.export_saved_model(model(), path)


def _keep(path):
    """Adds a model to a folder; every one beats those before."""
    models_of = ParetoFolder(path)
    front = models_of.open(EMPTY)
    best = max([0.1, *(point.value for point in front.points)])
    models_of.add(front, report.ParetoPoint(1, best + 0.1, 9, 80), model())


def _index(front):
    return (json.dumps(front.to_dict(), indent=2) + "\n").encode()


def _command(*words):
    def write(path):
        code = main.main([*words, path, "--overwrite"])
        if code:
            raise OSError("the command failed")  # it has said why

    return write


def _figure(draw, *args):
    return lambda path: draw(*args, path)


def _page(path):
    report.to_html(path, before={"conv": 20}, after={"conv": 15})


def _cli(name, target, *words, old=None):
    return Writer(name, target, _command(*words), 2048, words[1:], old)


# The converter and TensorFlow write files of their own, which need room.
WRITERS = (
    Writer(
        "litert",
        "model.tflite",
        lambda path: keras_l0.export_litert(model(), path),
        2048,
    ),
    Writer(
        "saved_model",
        "served",
        lambda path: keras_l0.export_saved_model(model(), path),
        2048,
        old={"served/saved_model.pb": b"old"},
    ),
    Writer(
        "open_units",
        "units.png",
        _figure(figures.plot_open_units, {"conv": [20, 15]}, {"conv": 20}),
    ),
    Writer(
        "architecture",
        "architecture.pdf",
        _figure(figures.plot_architecture, {"conv": 20}, {"conv": 15}),
    ),
    Writer(
        "accuracy_size",
        "size.svg",
        _figure(figures.plot_accuracy_size, {"dense": (1_700_000, 0.98)}),
    ),
    Writer("pareto", "pareto.png", _figure(figures.plot_pareto, FRONT)),
    Writer("html", "page.html", _page),
    Writer("json", "comparison.json", COMPARISON.to_json),
    Writer(
        "pareto_folder",
        "sizes",
        _keep,
        2048,
        old={"sizes/pareto.json": _index(EMPTY)},
    ),
    _cli("cli_strip", "small.keras", "strip", "gated.keras"),
    _cli(
        "cli_strip_saved",
        "small",
        "strip",
        "gated.keras",
        old={"small/saved_model.pb": b"old"},
    ),
    _cli("cli_export", "gated.tflite", "export", "gated.keras"),
    _cli("cli_convert", "saved.tflite", "export", "saved"),
)
