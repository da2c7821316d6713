"""What a file of this folder says about the rows that it runs over."""

import dataclasses
from collections.abc import Iterable

from tests import descriptors

# Reasons that serve several files.
NOT_TRAINED = "drawn from by the gates, whose rows train"
NO_KERAS_OBJECT = "not saved: built anew from the logits in every call"
WATCHES = "runs beside a model and keeps nothing in it"
COSTLY = "takes seconds; a row of the same class runs"

# The callback that changes the model, for files that the others do not meet.
COMPACT = tuple(r for r in descriptors.CALLBACKS if r.name == "compact")


@dataclasses.dataclass(frozen=True)
class Property:
    """A promise that is kept by every row, or a reason why it is none.

    Attributes:
        name: Name in the matrix.
        rows: The rows that the file's tests run over.
        excused: Name of a row, or of a table of `tests/descriptors.py` ->
            why the promise makes no sense there, in a line.
    """

    name: str
    rows: tuple[descriptors.Row, ...]
    excused: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def named(self) -> list[tuple[str, descriptors.Row]]:
        """Rows as `parameterized.named_parameters` takes them."""
        return descriptors.named(self.rows)

    def reason(self, table: str, row: descriptors.Row) -> str | None:
        """Why a row of a table is excused; None if it is not."""
        return self.excused.get(row.name, self.excused.get(table))


def costly(run: Iterable[descriptors.Row]) -> dict[str, str]:
    """Excuses the rows whose class runs in another row."""
    run = list(run)
    classes = {row.cls for row in run}
    return {
        row.name: COSTLY
        for row in descriptors.TRAINED
        if row.cls in classes and row not in run
    }
