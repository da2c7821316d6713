"""What became of a network: its figures, its layers, its outputs."""

from collections.abc import Sequence

from keras_l0.internal import agreement
from keras_l0.report.comparison import Comparison
from keras_l0.report.html import parts
from keras_l0.report.html.architecture import LayerUnits
from keras_l0.report.html.headline import Headline
from keras_l0.report.html.markup import Markup
from keras_l0.report.html.markup import element

_ARROW = "\N{RIGHTWARDS ARROW}"
_NO_BREAK = "\N{NO-BREAK SPACE}"


def cards(headlines: Sequence[Headline]) -> Markup:
    """The most important figures.

    Args:
        headlines: What `keras_l0.report.html.headline` found.
    """
    return element("dl", list(map(_card, headlines)), class_="cards")


def layers(rows: Sequence[LayerUnits]) -> Markup:
    """One bar per layer: what is left of its units.

    Args:
        rows: The layers, the one next to the input first.
    """
    items = []
    for row in rows:
        units = _from_to(row.before, row.after, "units")
        weights = _from_to(row.params_before, row.params_after, "weights")
        items.append(
            element(
                "li",
                element(
                    "div",
                    element("strong", row.name),
                    element("span", row.kind, class_="quiet"),
                    element("span", units),
                    class_="row",
                ),
                parts.meter(row.after, row.before),
                element("small", weights, class_="quiet") if weights else None,
            )
        )
    return element("ul", items, class_="layers box", role="list")


def comparison(found: Comparison) -> list[Markup]:
    """The table of a comparison, and the differences of outputs.

    Args:
        found: A `Comparison`.
    """
    several = len(found.models) > 1
    sizes = parts.scrolling("Comparison", found.rows(), total=several)
    return [sizes, *(_differences(found) if found.differences else ())]


def _card(headline):
    values = [
        headline.written(value).replace(" ", _NO_BREAK)
        for value in (headline.before, headline.after)
        if value is not None
    ]
    known = headline.ratio is not None
    return element(
        "div",
        element("dt", headline.name),
        element(
            "dd",
            element("b", _change(headline.ratio) if known else values[-1]),
            element("span", f" {_ARROW} ".join(values)) if known else None,
        ),
        class_="box",
    )


def _change(ratio):
    if ratio == 1:
        return "unchanged"
    larger, word = (ratio, "less") if ratio > 1 else (1 / ratio, "more")
    times = f"{larger:,.0f}x" if larger >= 100 else f"{larger:.3g}x"
    return f"{times} {word}"


def _from_to(before, after, unit):
    if before is None and after is None:
        return ""
    if before is None:
        return f"{after:,} {unit}, new"
    if after is None:
        return f"{before:,} {unit}"
    return f"{before:,} {_ARROW} {after:,} {unit}"


def _differences(found):
    cells = [
        [name, agreement.rounded(value)]
        for name, value in found.differences.items()
    ]
    rows = [["what ran", "difference"], *cells]
    retrained = (
        "That of the dense model is more than rounding if the stripped one "
        "was trained further."
    )
    return [
        element(
            "p",
            f"Largest difference from the outputs of the {found.reference} "
            f"model, which reach {found.largest_output:.3g}, in inference "
            f"mode on {found.examples:,} examples:",
        ),
        element("div", parts.scrolling("Differences", rows), class_="short"),
        element("p", retrained) if found.reference != "gated" else Markup(""),
    ]
