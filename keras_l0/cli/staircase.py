"""Times a layer at several widths, and reads off a width to round to."""

import dataclasses
import math
import statistics
from collections.abc import Mapping
from collections.abc import Sequence

from keras_l0.cli.timed_layers import TimedLayer
from keras_l0.export import converter
from keras_l0.internal import inputs
from keras_l0.report import latency
from keras_l0.report import table

_MULTIPLES = (1, 2, 4, 8, 16, 32)
_WINDOW = 16
# Share of the time that repeats of a measurement differ by.
_FREE = 0.03
_BAR = 24


@dataclasses.dataclass(frozen=True)
class Staircase:
    """What the widths of a layer cost.

    Attributes:
        layer: The layer.
        milliseconds: Width -> median time.
        round_to: Suggested multiple; None if the widths do not tell.
    """

    layer: TimedLayer
    milliseconds: Mapping[int, float]
    round_to: int | None

    def to_dict(self) -> dict:
        """The same as plain Python data."""
        full = self.milliseconds[self.layer.width]
        return {
            "layer": self.layer.name,
            "class": type(self.layer.layer).__name__,
            "input_shape": list(self.layer.input_shape),
            "width": self.layer.width,
            "times": [
                {
                    "width": width,
                    "milliseconds": time,
                    "relative": time / full if full else None,
                }
                for width, time in self.milliseconds.items()
            ],
            "round_to": self.round_to,
        }

    def __str__(self) -> str:
        full = self.milliseconds[self.layer.width]
        most = max(self.milliseconds.values()) or 1.0
        rows = [("width", "ms", "to full")]
        rows += [
            (str(width), f"{time:.4f}", f"{time / (full or 1.0):.0%}")
            for width, time in self.milliseconds.items()
        ]
        bars = ["", *("#" * round(_BAR * t / most) for t in self.times())]
        lines = [
            f"{line}  {bar}".rstrip()
            for line, bar in zip(table.aligned(rows), bars, strict=True)
        ]
        kind = type(self.layer.layer).__name__
        return "\n".join(
            [
                f"{self.layer.name} ({kind}), {self.layer.key}="
                f"{self.layer.width}, input {self.layer.input_shape}",
                *lines,
                self._suggestion(),
            ]
        )

    def times(self) -> list[float]:
        """The times, from the smallest width to the largest."""
        return list(self.milliseconds.values())

    def _suggestion(self):
        if self.round_to is None:
            return "Too few widths to suggest a `--round_to`."
        return f"Suggested: --round_to={self.round_to}"


def measure(
    layer: TimedLayer, widths: Sequence[int] | None, runs: int, threads: int
) -> Staircase:
    """Times one layer.

    Args:
        layer: The layer.
        widths: Widths; its own is added. None chooses them.
        runs: How often each width is timed.
        threads: Threads of LiteRT.
    """
    chosen = auto_widths(layer.width) if widths is None else widths
    calls = {
        str(width): _call(layer.network(width), threads)
        for width in sorted({*chosen, layer.width})
    }
    times = latency.median_times(calls, runs)
    milliseconds = {int(width): time for width, time in times.items()}
    return Staircase(layer, milliseconds, suggest(milliseconds))


def auto_widths(full: int) -> list[int]:
    """Widths that show the stairs near half and all of `full`."""
    tops = {full // 2, full}
    near = {top - step for top in tops for step in range(_WINDOW)}
    return sorted(width for width in {full // 4, *near} if width > 0)


def suggest(milliseconds: Mapping[int, float]) -> int | None:
    """The largest multiple to which rounding up costs next to nothing.

    Args:
        milliseconds: Width -> time.

    Returns:
        multiple: One of 1, 2, 4, 8, 16, 32; None if the widths do not tell.
    """
    cheapest = _cheapest(milliseconds)
    best = None
    for multiple in _MULTIPLES[1:]:
        extra = [
            milliseconds[up] / cheapest[width] - 1
            for width in milliseconds
            for up in [-(-width // multiple) * multiple]
            if up != width and up in milliseconds and cheapest[width]
        ]
        if len(extra) < 2:
            continue
        if statistics.mean(extra) <= _FREE:
            best = multiple
        elif multiple == 2:
            best = 1
    return best


def _cheapest(milliseconds):
    """Width -> the least time of any network that has as many units."""
    least, found = math.inf, {}
    for width, time in sorted(milliseconds.items(), reverse=True):
        least = found[width] = min(least, time)
    return found


def _call(network, threads):
    return latency.litert_call(
        converter.convert(network),
        network,
        inputs.made_up(network, 1),
        threads,
    )
