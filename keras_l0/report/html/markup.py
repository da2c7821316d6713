"""Builds HTML in which every text is escaped."""

import html
from collections.abc import Iterable

# Elements that have no end tag in HTML.
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already."""


def element(
    tag: str, *children: object, **attributes: str | float | bool | None
) -> Markup:
    """An element of HTML or SVG.

    Args:
        tag: Its name.
        *children: What is in it: `Markup` as it is, other strings and numbers
            escaped, nested lists flattened, None left out.
        **attributes: Its attributes. `class_` is `class`; other underscores
            are hyphens. None and `False` leave one out, `True` sets one
            without a value.

    Example:

    >>> from keras_l0.report.html.markup import element
    >>> element("p", "a < b", element("b", 3), class_="note")
    '<p class="note">a &lt; b<b>3</b></p>'
    """
    given = "".join(
        _attribute(name, value) for name, value in attributes.items()
    )
    if tag in _VOID:
        return Markup(f"<{tag}{given}>")
    return Markup(f"<{tag}{given}>{joined(children)}</{tag}>")


def joined(children: Iterable) -> Markup:
    """The children of an element as HTML; see `element`.

    Args:
        children: Iterable of them.
    """
    return Markup("".join(map(_child, children)))


def _child(child):
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, (list, tuple)):
        return joined(child)
    return html.escape(str(child))


def _attribute(name, value):
    name = name.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    if value is True:
        return f" {name}"
    if isinstance(value, float):
        value = f"{value:.2f}".rstrip("0").rstrip(".")
    return f' {name}="{html.escape(str(value))}"'
