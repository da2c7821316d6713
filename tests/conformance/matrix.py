"""Prints which class is held to what: `python -m tests.conformance.matrix`.

The rows are those of `tests/descriptors.py`, the columns are the `PROPERTY` of
each test file of this folder, over whose rows its tests run.
"""

import importlib
import pathlib
import textwrap
from collections.abc import Iterator

from tests import descriptors
from tests.conformance.properties import Property

RUN, EXCUSED, EMPTY = "x", "-", "?"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WIDTH = 80


def properties() -> list[Property]:
    """The properties of the files of this folder, by name."""
    here = pathlib.Path(__file__).parent
    modules = [
        importlib.import_module(f"tests.conformance.{path.stem}")
        for path in sorted(here.glob("*_test.py"))
    ]
    return [m.PROPERTY for m in modules if hasattr(m, "PROPERTY")]


def rows() -> Iterator[tuple[str, descriptors.Row]]:
    """Yields the name of its table and each row."""
    for table, members in descriptors.TABLES.items():
        for row in members:
            yield table, row


def cell(found: Property, table: str, row: descriptors.Row) -> str:
    """What stands where a row and a property meet."""
    if row.name in {member.name for member in found.rows}:
        return RUN
    return EXCUSED if found.reason(table, row) else EMPTY


def empty_cells(found: list[Property]) -> list[str]:
    """Where a row is neither tested nor excused."""
    return [
        f"{row.name}: {a_property.name}"
        for a_property in found
        for table, row in rows()
        if cell(a_property, table, row) == EMPTY
    ]


def idle_excuses(found: list[Property]) -> list[str]:
    """Excuses for what runs all the same, or is not there."""
    idle = []
    for a_property in found:
        run = {row.name for row in a_property.rows}
        for name in a_property.excused:
            members = {row.name for row in descriptors.TABLES.get(name, ())}
            known = {row.name for _, row in rows()}
            wanted = members or ({name} & known)
            if not wanted - run:
                idle.append(f"{a_property.name}: {name}")
    return idle


def text(found: list[Property]) -> str:
    """The matrix, what its letters mean, and the reasons."""
    letters = _LETTERS[: len(found)]
    width = max(len(row.name) for _, row in rows())
    lines = [f"{'':{width}} {' '.join(letters)}"]
    for table, row in rows():
        cells = " ".join(cell(p, table, row) for p in found)
        lines.append(f"{row.name:{width}} {cells}")
    lines += ["", "x is tested, - does not apply.", ""]
    for letter, a_property in zip(letters, found, strict=True):
        lines.append(f"{letter}  {a_property.name}")
        for reason in dict.fromkeys(a_property.excused.values()):
            names = [n for n, r in a_property.excused.items() if r == reason]
            lines += textwrap.wrap(
                f"- {', '.join(names)}: {reason}",
                _WIDTH,
                initial_indent="   ",
                subsequent_indent="     ",
            )
    return "\n".join(lines)


if __name__ == "__main__":
    print(text(properties()))
