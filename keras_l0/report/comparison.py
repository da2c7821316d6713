"""What a comparison found, as a record, as text and as JSON."""

import dataclasses
import json
import math
import os
import textwrap
from collections.abc import Sequence

from keras_l0.internal import agreement
from keras_l0.internal import files
from keras_l0.report import table

_WIDTH = 100
_HEADER = (
    "",
    "params",
    "MACs",
    ".keras",
    "SavedModel",
    ".tflite",
    "1 thread",
    "2 threads",
)
_RETRAINED = (
    "The difference of the dense model is more than rounding if the stripped",
    "one was trained further.",
)


@dataclasses.dataclass(frozen=True)
class ModelFigures:
    """Size and speed of one model; None for what was not measured.

    Attributes:
        name: String.
        params: Integer, weights of the network without its gates.
        macs: Integer, multiply-accumulates for one example.
        keras_bytes: Integer, size of the `.keras` file without an optimizer.
        saved_model_bytes: Integer, size of all files of the SavedModel.
        litert_bytes: Integer, size of the `.tflite` file.
        ms_1_thread: Float, median milliseconds of LiteRT on one thread.
        ms_2_threads: Float, the same on two.

    Example:

    >>> keras_l0.report.ModelFigures("dense", params=10, macs=8).params
    10
    """

    name: str
    params: int | None = None
    macs: int | None = None
    keras_bytes: int | None = None
    saved_model_bytes: int | None = None
    litert_bytes: int | None = None
    ms_1_thread: float | None = None
    ms_2_threads: float | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Sizes, latencies and output differences of a network's stages.

    `print` it, or take it as a dict or as JSON.

    Attributes:
        models: One `ModelFigures` per row.
        differences: What was run -> largest absolute difference between its
            outputs and those of the `reference` model in inference mode.
        largest_output: Float, largest absolute output of that model.
        examples: Integer, how many examples the differences were taken over.
        batch: Integer, how many examples LiteRT was timed on at once.
        notes: Strings: what could not be measured, and why.
        reference: `"gated"`, or `"stripped"` if no gated model was given.

    Example:

    >>> rows = (keras_l0.report.ModelFigures("stripped", params=1234),)
    >>> print(keras_l0.report.Comparison(rows, {"stripped model": 1e-7}, 2., 9))
              params  MACs  .keras  SavedModel  .tflite  1 thread  2 threads
    stripped   1,234     -       -           -        -         -          -
    <BLANKLINE>
    Threads: milliseconds of LiteRT for one example, median.
    Largest difference from the outputs of the gated model (they reach 2),
    in inference mode, on 9 examples:
      stripped model  1.0e-07
    """

    models: tuple[ModelFigures, ...]
    differences: dict[str, float]
    largest_output: float
    examples: int
    batch: int = 1
    notes: tuple[str, ...] = ()
    reference: str = "gated"

    def __str__(self) -> str:
        size = "one example" if self.batch == 1 else f"{self.batch} examples"
        lines = [
            *table.aligned(self.rows()),
            "",
            f"Threads: milliseconds of LiteRT for {size}, median.",
            "Largest difference from the outputs of the "
            f"{self.reference} model (they reach {self.largest_output:.3g}),",
            f"in inference mode, on {self.examples:,} examples:",
        ]
        differences = [
            (f"  {name}", agreement.rounded(value))
            for name, value in self.differences.items()
        ]
        notes = [
            textwrap.fill(f"Note: {note}", _WIDTH, subsequent_indent="  ")
            for note in self.notes
        ]
        lines += table.aligned(differences)
        if self.reference != "gated":
            lines += _RETRAINED
        return "\n".join([*lines, *notes])

    def rows(self) -> list[Sequence[str]]:
        """The figures as a table.

        Returns:
            rows: Cells of the header, of each model and, if there are several,
                of what the stripped one saves, as text.
        """
        rows = [_HEADER, *map(_cells, self.models)]
        return [*rows, _ratios(self.models)] if len(self.models) > 1 else rows

    def to_dict(self) -> dict:
        """The same as a dict of strings and numbers.

        Returns:
            figures: The attributes by their names; `models` maps the name of a
                row to its figures. A difference that is not finite is None.
        """
        models = {}
        for figures in self.models:
            entry = dataclasses.asdict(figures)
            models[entry.pop("name")] = entry
        return {
            **dataclasses.asdict(self),
            "models": models,
            "differences": {
                name: value if math.isfinite(value) else None
                for name, value in self.differences.items()
            },
            "notes": list(self.notes),
        }

    def to_json(self, path: str | os.PathLike | None = None) -> str:
        """The same as JSON.

        Args:
            path: Where to write it as well, whole or not at all. Defaults to
                None: nowhere.

        Returns:
            text: JSON.

        Raises:
            OSError: if `path` cannot be written.
        """
        text = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        if path is not None:
            with files.atomic_file(path, "path") as temporary:
                with open(temporary, "w", encoding="utf-8") as file:
                    file.write(text)
        return text


def _cells(figures):
    return (
        figures.name,
        table.with_commas(figures.params),
        table.with_prefix(figures.macs),
        table.with_prefix(figures.keras_bytes, "B"),
        table.with_prefix(figures.saved_model_bytes, "B"),
        table.with_prefix(figures.litert_bytes, "B"),
        table.milliseconds(figures.ms_1_thread),
        table.milliseconds(figures.ms_2_threads),
    )


def _ratios(models):
    """How much the stripped model saves against the first row."""
    first = models[0]
    last = next(row for row in models[1:] if row.name == "stripped")
    values = [
        table.ratio(getattr(first, field.name), getattr(last, field.name))
        for field in dataclasses.fields(ModelFigures)[1:]
    ]
    return (f"{first.name} / {last.name}", *values)
