"""Writes a report as one HTML page that needs nothing else."""

import os
from collections.abc import Mapping

import keras

from keras_l0 import cost
from keras_l0.internal import files
from keras_l0.layers import gate_vectors
from keras_l0.report import pareto as pareto_fronts
from keras_l0.report.comparison import Comparison
from keras_l0.report.html import architecture
from keras_l0.report.html import curves
from keras_l0.report.html import gates
from keras_l0.report.html import headline
from keras_l0.report.html import networks
from keras_l0.report.html import parts
from keras_l0.report.html import training
from keras_l0.report.html.markup import Markup
from keras_l0.report.html.markup import element
from keras_l0.report.html.style import STYLE
from keras_l0.surgery import strip_gates
from keras_l0.version import __version__

_TITLE = "A network before and after"
# The page loads nothing, and a browser is told so.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def to_html(
    path: str | os.PathLike,
    *,
    title: str = "",
    comparison: Comparison | None = None,
    before: keras.Model | Mapping[str, int] | None = None,
    after: keras.Model | Mapping[str, int] | None = None,
    gated: keras.Model | None = None,
    history: object = None,
    pareto: object = None,
) -> str:
    """Writes what gating and stripping have brought as one HTML page.

    The page needs no other file and no network, fits a phone, and follows the
    reader's dark mode. It has a section for each thing that is given; one is
    enough.

    Args:
        path: Path of the page; its folder must exist.
        title: Heading of the page.
        comparison: What `keras_l0.compare` found.
        before: The network before: a built Sequential or Functional model, or
            a mapping from the name of each layer to its number of units. None
            takes `gated`, all units in place. Defaults to None.
        after: The stripped network, likewise. None takes what
            `strip_gates(gated)` would leave. Defaults to None.
        gated: The model with its gates.
        history: What `fit` returned, or a dict from the name of each metric
            to its values.
        pareto: A `ParetoFront`, a `keras_l0.callbacks.ParetoCheckpoint`, or a
            list of `ParetoPoint`s.

    Returns:
        text: The page.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if nothing is given, a model has no graph, or `gated` has
            no gates.
        OSError: if `path` cannot be written.

    Example:

    >>> page = keras_l0.report.to_html(
    ...     "report.html", before={"conv": 20, "dense": 500},
    ...     after={"conv": 15, "dense": 90}, history={"loss": [0.7, 0.2]})
    >>> page.count("<section")
    2
    """
    given = (comparison, before, after, gated, history, pareto)
    if all(part is None for part in given):
        raise ValueError(
            "`to_html` needs something to report: `comparison`, `before`, "
            "`after`, `gated`, `history` or `pareto`. Received: None of them"
        )
    _check(title, comparison, gated)
    # A path that cannot be written is found out before the work begins.
    with files.atomic_file(path, "path") as temporary:
        text = _page(title or _TITLE, _content(*given))
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
    return text


def _content(comparison, before, after, gated, history, pareto):
    """The sections that there is something to show in."""
    stripped, notes = _stripped(gated)
    before = gated if before is None else before
    after = stripped if after is None else after
    sections = [
        _summary(comparison, before, after),
        _comparison(comparison),
        _architecture(before, after),
        _gates(gated),
        _curves(history),
        _pareto(pareto),
        _notes([*(comparison.notes if comparison else ()), *notes]),
    ]
    return [section for section in sections if section]


def _check(title, comparison, gated):
    if not isinstance(title, str):
        raise TypeError(
            "`title` must be a string. "
            f"Received: title={title!r} ({type(title).__name__})"
        )
    if comparison is not None and not isinstance(comparison, Comparison):
        raise TypeError(
            "`comparison` must be a `keras_l0.report.Comparison`. Received: "
            f"comparison={comparison!r} ({type(comparison).__name__})"
        )
    if gated is not None and not isinstance(gated, keras.Model):
        raise TypeError(
            "`gated` must be a `keras.Model`. "
            f"Received: gated={gated!r} ({type(gated).__name__})"
        )
    if gated is not None and not gate_vectors(gated):
        raise ValueError(
            "`gated` must be a model with gates, e.g. one with "
            f"`keras_l0.L0Gate` layers. Received: gated='{gated.name}'"
        )


def _stripped(gated) -> tuple[keras.Model | None, list[str]]:
    """The stripped model, and what has to be said of it."""
    if gated is None:
        return None, []
    try:
        small, report = strip_gates(gated, return_report=True)
    except ValueError as error:
        return None, [f"The network cannot be stripped: {error}"]
    barriers = [
        f"{row.name} ({row.layer}) was left whole: {row.reason.value}."
        for row in report.barriers
    ]
    return small, [*barriers, *report.notes]


def _summary(comparison, before, after):
    if comparison is not None:
        headlines = headline.of_comparison(comparison)
    else:
        headlines = headline.of_costs(_cost(before), _cost(after))
    return networks.cards(headlines) if headlines else None


def _cost(model):
    if not isinstance(model, keras.Model):
        return None, None
    counted = cost.count(model)
    return counted.params, counted.macs


def _comparison(comparison):
    if comparison is None or not comparison.models:
        return None
    size = "one example" if comparison.batch == 1 else f"{comparison.batch}"
    return parts.section(
        "Comparison",
        f"Threads: milliseconds of LiteRT for {size}, median.",
        *networks.comparison(comparison),
    )


def _architecture(before, after):
    if before is None and after is None:
        return None
    if before is None:
        rows = architecture.layers_of("after", after)
    else:
        rows = architecture.layers_of("before", before)
        if after is not None:
            others = architecture.layers_of("after", after)
            rows = architecture.side_by_side(rows, others)
    return parts.section(
        "Layers",
        "Units of each layer with weights, and what is left of them.",
        networks.layers(rows),
    )


def _gates(gated):
    if gated is None:
        return None
    return parts.section(
        "Gates",
        "Values of the gates in inference: a unit whose gate is 0 is removed.",
        gates.gates(gate_vectors(gated)),
    )


def _curves(history):
    points = {} if history is None else curves.read_history(history)
    if not points:
        return None
    return parts.section("Training", None, training.curves(points))


def _pareto(pareto):
    if pareto is None:
        return None
    front = pareto_fronts.read_front(pareto)
    if not front.points:
        return None
    return parts.section(
        "Pareto front",
        "Models of this training that no other beats in both respects; each "
        "is named by the epoch after which it was taken.",
        training.front(front),
    )


def _notes(texts):
    if not texts:
        return None
    return parts.section("Notes", None, parts.notes(texts))


def _page(title: str, content: list[Markup]) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element(
            "meta",
            name="viewport",
            content="width=device-width, initial-scale=1",
        ),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", title),
        element("style", Markup(STYLE)),
    )
    body = element(
        "body",
        element("header", element("h1", title)),
        element("main", content),
        element("footer", f"Written by keras_l0 {__version__}."),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"
