"""Places numbers on the axis of a chart."""

import dataclasses
import math
from collections.abc import Sequence

_LOGARITHMIC_FROM = 100.0  # largest over smallest value


@dataclasses.dataclass(frozen=True)
class Scale:
    """Maps numbers to places along one axis.

    Attributes:
        low, high: Floats, the ends of the axis.
        start, end: Floats, the places of `low` and `high`.
        logarithmic: Whether equal distances are equal ratios.

    Example:

    >>> from keras_l0.report.html.scale import Scale
    >>> Scale(0.0, 10.0, 100.0, 200.0)(2.5)
    125.0
    """

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Place of `value`.

        Args:
            value: A number; positive on a logarithmic axis.
        """
        low, high = self._level(self.low), self._level(self.high)
        share = (self._level(value) - low) / (high - low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Round numbers on the axis, about five of them."""
        if self.logarithmic:
            return _logarithmic_ticks(self.low, self.high)
        step = _step(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [float(f"{i * step:.12g}") for i in range(first, last + 1)]

    def texts(self) -> list[str]:
        """The ticks in as many digits as it takes to tell them apart."""
        ticks = self.ticks()
        digits = 4
        if not self.logarithmic and len(ticks) > 1:
            largest = max(abs(ticks[0]), abs(ticks[-1]))
            steps = largest / (ticks[1] - ticks[0])
            # A step has two digits at most, as in 2.5.
            digits = max(digits, math.ceil(math.log10(steps)) + 2)
        return [number(tick, digits) for tick in ticks]

    def _level(self, value):
        return math.log10(value) if self.logarithmic else value


def fitting(
    values: Sequence[float],
    start: float,
    end: float,
    padding: float = 0.05,
    linear: bool = False,
) -> Scale:
    """A scale on which all `values` lie, not quite at its ends.

    It is logarithmic if the values are positive and span a factor of 100.

    Args:
        values: Finite numbers, one or more.
        start, end: Places of the ends of the axis.
        padding: Free part of the axis at each end. Defaults to 0.05.
        linear: Whether it is never logarithmic. Defaults to `False`.
    """
    low, high = min(values), max(values)
    if not linear and low > 0 and high / low >= _LOGARITHMIC_FROM:
        margin = (high / low) ** padding
        return Scale(low / margin, high * margin, start, end, True)
    margin = padding * (high - low) if low < high else 0.1 * abs(low) or 1.0
    return Scale(low - margin, high + margin, start, end)


def number(value: float, digits: int = 4) -> str:
    """`value` in few digits: 0.25, 1,200, 3.4 M, 1e-07.

    Args:
        value: A finite number.
        digits: Positive integer, significant digits; a number below 10,000
            shows all those before the point. Defaults to 4.

    Example:

    >>> from keras_l0.report.html.scale import number
    >>> number(0.25), number(4500), number(2e6), number(3e-7)
    ('0.25', '4,500', '2 M', '3e-07')
    """
    size = abs(value)
    for least, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= least:
            divisor = 1e3 if prefix == "k" else least
            return f"{value / divisor:.{digits}g} {prefix}"
    if size >= 1000:
        return f"{value:,.{max(digits - 4, 0)}f}"
    return f"{value:.{digits}g}"


def _step(span):
    """1, 2, 2.5 or 5 times a power of ten, 4 to 6 of which are in `span`."""
    raw = span / 5
    power = 10 ** math.floor(math.log10(raw))
    return next(
        f * power for f in (1, 2, 2.5, 5, 10) if f * power >= 0.99 * raw
    )


def _logarithmic_ticks(low, high):
    first = math.ceil(math.log10(low) - 1e-9)
    last = math.floor(math.log10(high) + 1e-9)
    every = max(1, (last - first) // 5)
    return [10.0**exponent for exponent in range(first, last + 1, every)]
