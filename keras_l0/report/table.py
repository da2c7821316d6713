"""Sets figures as aligned text."""

from collections.abc import Sequence

NOTHING = "-"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    r"""Lines of columns two spaces apart: the first to the left, others right.

    Args:
        rows: Cells, as many in each row.

    Example:

    >>> from keras_l0.report.table import aligned
    >>> print("\n".join(aligned([["model", "ms"], ["a", "10.5"]])))
    model    ms
    a      10.5
    """
    columns = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for name, *figures in rows:
        cells = [name.ljust(widths[0]), *map(str.rjust, figures, widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return lines


def with_prefix(value: float | None, unit: str = "") -> str:
    """`value` in three digits and a decimal prefix: 1234567 -> "1.23 M".

    Args:
        value: Number, or None for what was not measured.
        unit: Put behind the prefix, e.g. `"B"`.

    Example:

    >>> from keras_l0.report.table import with_prefix
    >>> with_prefix(1234567, "B"), with_prefix(12), with_prefix(None)
    ('1.23 MB', '12', '-')
    """
    if value is None:
        return NOTHING
    for prefix in ("", "k", "M", "G", "T"):
        if value < 999.5 or prefix == "T":
            break
        value /= 1000
    digits = f"{value:#.3g}".rstrip(".") if prefix else f"{value:g}"
    return f"{digits} {prefix}{unit}".rstrip()


def with_commas(value: int | None) -> str:
    """`value` in full, its thousands set apart."""
    return NOTHING if value is None else f"{value:,}"


def milliseconds(value: float | None) -> str:
    """`value` to the microsecond."""
    return NOTHING if value is None else f"{value:.3f}"


def ratio(first: float | None, second: float | None) -> str:
    """How many times `second` goes into `first`."""
    if not first or not second:
        return NOTHING
    return f"{first / second:.1f}x"
