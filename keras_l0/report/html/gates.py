"""The gates of each layer."""

from collections.abc import Mapping

import numpy as np

from keras_l0.layers import GateVector
from keras_l0.report.html import charts
from keras_l0.report.html import parts
from keras_l0.report.html.markup import Markup
from keras_l0.report.html.markup import element

_BINS = 10


def gates(vectors: Mapping[str, GateVector]) -> Markup:
    """One box per gate vector: how many are open, how their values lie.

    Args:
        vectors: Name -> built gate vector.
    """
    return element(
        "ul",
        [_vector(name, vector) for name, vector in vectors.items()],
        class_="grid",
        role="list",
    )


def _vector(name, vector):
    values = vector.deterministic_gate().numpy()
    probs = vector.prob_nonzero().numpy()
    opened, total = np.count_nonzero(values), vector.num_gates
    ones = np.count_nonzero(values == 1)
    text = (
        f"{total - opened:,} closed, {opened - ones:,} between, {ones:,} at 1. "
        f"Expected while training: {probs.sum():,.1f} open."
    )
    return element(
        "li",
        element(
            "div",
            element("h3", name),
            element("span", f"{opened:,} of {total:,} open"),
            class_="row",
        ),
        parts.meter(opened, total),
        charts.bars(
            _value_counts(values),
            {0: "0, closed", _BINS + 1: "1"},
            f"Histogram of the gates of {name}: {text}",
        ),
        element("small", text, class_="quiet"),
        class_="box",
    )


def _value_counts(values):
    """Gates that are 0, those in ten parts of what is between, those at 1."""
    between = values[(values > 0) & (values < 1)]
    counts, _ = np.histogram(between, _BINS, (0.0, 1.0))
    return [
        int(np.count_nonzero(values == 0)),
        *map(int, counts),
        int(np.count_nonzero(values >= 1)),
    ]
