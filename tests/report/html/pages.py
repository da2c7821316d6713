"""Reads HTML, for the tests of the report."""

import dataclasses
from html.parser import HTMLParser

_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


@dataclasses.dataclass
class Element:
    """One element, with everything in it."""

    tag: str
    attributes: dict[str, str | None]
    children: list = dataclasses.field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, pieces set apart by a space."""
        texts = [c if isinstance(c, str) else c.text for c in self.children]
        return " ".join(text for text in texts if text)

    def all(self, tag: str, class_: str | None = None) -> list["Element"]:
        """Elements in it by tag and class."""
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            classes = (child.attributes.get("class") or "").split()
            if child.tag == tag and (class_ is None or class_ in classes):
                found.append(child)
            found += child.all(tag, class_)
        return found


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            raise ValueError(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        if self.open.pop().tag != tag:
            raise ValueError(f"</{tag}> ends another element.")

    def handle_data(self, data):
        self.open[-1].children.append(data)


def read(text: str) -> Element:
    """The elements of `text`, every one of which has to be ended."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    if len(reader.open) != 1:
        raise ValueError(f"<{reader.open[-1].tag}> is not ended.")
    return reader.open[0]
