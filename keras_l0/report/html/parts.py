"""What all sections of the page are made of."""

from collections.abc import Iterable
from collections.abc import Sequence

from keras_l0.report.html.markup import Markup
from keras_l0.report.html.markup import element


def section(title: str, text: str | None, *content: object) -> Markup:
    """A section under a heading.

    Args:
        title: The heading.
        text: What the section shows, or None.
        *content: What `markup.element` takes.
    """
    name = "".join(c if c.isalnum() else "-" for c in title.lower())
    return element(
        "section",
        element("h2", title, id=name),
        element("p", text) if text else None,
        *content,
        aria_labelledby=name,
    )


def scrolling(
    name: str, rows: Sequence[Sequence[str]], total: bool = False
) -> Markup:
    """A table in a box that scrolls by itself where it is too wide.

    Args:
        name: What the table is, for those who cannot see it.
        rows: Cells; the first row is the header.
        total: Whether the last row sums up the others. Defaults to `False`.
    """
    header, *body = rows
    lines = []
    for number, (first, *rest) in enumerate(body, start=1):
        cells = [element("th", first, scope="row")]
        cells += [element("td", cell) for cell in rest]
        last = total and number == len(body)
        lines.append(element("tr", cells, class_="total" if last else None))
    titles = [element("th", title, scope="col") for title in header]
    return element(
        "div",
        element(
            "table",
            element("thead", element("tr", titles)),
            element("tbody", lines),
        ),
        class_="scroll box",
        role="region",
        aria_label=name,
        tabindex=0,
    )


def notes(texts: Iterable[str]) -> Markup:
    """A list of sentences.

    Args:
        texts: Strings.
    """
    items = [element("li", text) for text in texts]
    return element("ul", items, class_="notes box", role="list")


def meter(part: float | None, whole: float | None) -> Markup:
    """A bar, filled as far as `part` is of `whole`.

    Args:
        part: Number, at most `whole`; None fills the bar.
        whole: Number; None or 0 fills the bar, too.
    """
    share = 1.0 if part is None or not whole else min(part / whole, 1.0)
    inner = element("i", style=f"width:{100 * share:.1f}%")
    return element("div", inner, class_="meter", aria_hidden="true")
