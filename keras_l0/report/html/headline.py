"""The few figures by which two networks are compared first."""

import dataclasses
import functools
from collections.abc import Callable

from keras_l0.report import table
from keras_l0.report.comparison import Comparison
from keras_l0.report.comparison import ModelFigures

_bytes = functools.partial(table.with_prefix, unit="B")
# What the figure is called, the field of `ModelFigures`, how it is written.
_FIGURES = (
    ("parameters", "params", table.with_commas),
    ("MACs", "macs", table.with_prefix),
    (".tflite file", "litert_bytes", _bytes),
    (".keras file", "keras_bytes", _bytes),
    ("ms on 1 thread", "ms_1_thread", table.milliseconds),
)


@dataclasses.dataclass(frozen=True)
class Headline:
    """One figure before and after.

    Attributes:
        name: String.
        before, after: Numbers, or None for what is not known.
        written: Function of a number: it as text.
    """

    name: str
    before: float | None
    after: float | None
    written: Callable[[float], str]

    @property
    def ratio(self) -> float | None:
        """`before` over `after`, or None."""
        if not self.before or not self.after:
            return None
        return self.before / self.after


def of_comparison(comparison: Comparison) -> list[Headline]:
    """What a comparison says of its first and of its stripped model.

    Args:
        comparison: A `Comparison`.

    Returns:
        headlines: One for each figure that was measured of either; the
            `.keras` file only where there is no `.tflite` file to compare.
    """
    if not comparison.models:
        return []
    first = comparison.models[0]
    rows = [row for row in comparison.models if row.name == "stripped"]
    last = rows[0] if rows else comparison.models[-1]
    return _headlines(first if first is not last else ModelFigures(""), last)


def of_costs(
    before: tuple[int | None, int | None],
    after: tuple[int | None, int | None],
) -> list[Headline]:
    """The costs of two networks.

    Args:
        before: Parameters and MACs of the first, None for what is not known.
        after: Those of the second.

    Returns:
        headlines: One for each that is known of either.
    """
    return _headlines(ModelFigures("", *before), ModelFigures("", *after))


def _headlines(first, last):
    headlines = []
    for name, field, written in _FIGURES:
        before, after = getattr(first, field), getattr(last, field)
        found = Headline(name, before, after, written)
        if field == "keras_bytes" and headlines and headlines[-1].ratio:
            continue  # the file that is deployed was there
        if before is not None or after is not None:
            headlines.append(found)
    return headlines
