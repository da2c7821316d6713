"""Shows gates, where gates could be, and what stripping would remove."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from keras_l0.cli.command import Answer
from keras_l0.gating import find_gate_sites
from keras_l0.gating.sites import Ungated
from keras_l0.layers import gate_vectors
from keras_l0.report import table
from keras_l0.surgery import strip_gates


def text_table(rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Aligned lines whose first `texts` columns lie to the left."""
    widths = [max(len(row[place]) for row in rows) for place in range(texts)]
    joined = [
        (
            "  ".join(map(str.ljust, row[:texts], widths)),
            *row[texts:],
        )
        for row in rows
    ]
    return table.aligned(joined)


def gated(model: keras.Model) -> Answer:
    """The gates of a model, and what stripping would remove."""
    rows = [
        {
            "name": name,
            "family": type(vector.gate).__name__,
            "gates": vector.num_gates,
            "open": int(np.count_nonzero(_values(vector))),
        }
        for name, vector in gate_vectors(model).items()
    ]
    cells = [
        (row["name"], row["family"], f"{row['open']:,}", f"{row['gates']:,}")
        for row in rows
    ]
    lines = text_table([("gate vector", "family", "open", "of"), *cells], 2)
    strip = _strip(model)
    return Answer(
        "\n".join([*lines, "", strip.text]), {"gates": rows, **strip.document}
    )


def _values(vector):
    return keras.ops.convert_to_numpy(vector.deterministic_gate())


def _strip(model):
    try:
        report = strip_gates(model, dry_run=True)
    except ValueError as error:  # E.g. every way to an output is closed.
        return Answer(
            f"Stripping is refused: {error}", {"strip": {"refused": str(error)}}
        )
    return Answer(
        f"Stripping would give:\n{report}", {"strip": report.to_dict()}
    )


def ungated(model: keras.Model) -> Answer:
    """Where a model without gates could be gated, and where not, and why."""
    sites = find_gate_sites(model)
    head = ("gate site", "class", "gates behind", "units", "")
    cells = [
        (
            site.path,
            site.layer,
            "-" if site.reason else site.behind,
            f"{site.units:,}",
            "",
        )
        for site in sites
    ]
    lines = [line.rstrip() for line in text_table([head, *cells], 3)]
    reasons = [Ungated[s.reason].value if s.reason else "" for s in sites]
    lines[1:] = [
        f"{line}  {reason}".rstrip()
        for line, reason in zip(lines[1:], reasons, strict=True)
    ]
    can = sum(site.reason is None for site in sites)
    lines += [
        "",
        f"No gates. `keras_l0.add_gates` can gate {can} of {len(sites)} layers "
        "with units.",
    ]
    return Answer(
        "\n".join(lines),
        {"sites": [dataclasses.asdict(site) for site in sites]},
    )
