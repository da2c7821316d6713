"""Packs what is kept of equal groups into smaller groups, equal again."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Packing:
    """A rectangle that holds some members of groups of one size.

    Groups of which nothing is kept are left out. All others get as many places
    as the fullest of them; where a group has fewer members, its last places
    are fillers, which nobody reads.

    Attributes:
        size: Number of members of an original group.
        rows: Integers `[r]`: the groups that are there.
        columns: Integers `[r, w]`: the member at each place, any at a filler.
        filled: Boolean `[r, w]`: False at a filler.
    """

    size: int
    rows: np.ndarray
    columns: np.ndarray
    filled: np.ndarray

    @classmethod
    def of(
        cls,
        kept: np.ndarray,
        rows: np.ndarray | None = None,
        least: int = 0,
    ) -> "Packing":
        """Packs the members `kept`.

        Args:
            kept: Boolean `[groups, members]`.
            rows: The groups to pack; None: those that keep anything.
            least: How many places each of them gets at least.
        """
        if rows is None:
            rows = np.flatnonzero(kept.any(axis=1))
        width = max([least, *kept[rows].sum(axis=1)])
        columns = np.argsort(~kept[rows], axis=1, kind="stable")[:, :width]
        filled = np.take_along_axis(kept[rows], columns, axis=1)
        return cls(kept.shape[1], rows, columns, filled)

    def with_spare_place(self) -> "Packing":
        """The same with one more filler at the end of each group."""
        spare = ((0, 0), (0, 1))
        return dataclasses.replace(
            self,
            columns=np.pad(self.columns, spare),
            filled=np.pad(self.filled, spare),
        )

    @property
    def places(self) -> int:
        """Number of places, fillers included."""
        return self.filled.size

    @property
    def members(self) -> np.ndarray:
        """Integers `[r, w]`: each member, counted through all groups."""
        return self.rows[:, None] * self.size + self.columns

    def positions(self, groups: int) -> np.ndarray:
        """Where each of `groups * size` members is; -1: it is not there."""
        positions = np.full(groups * self.size, -1)
        places = np.arange(self.places).reshape(self.filled.shape)
        positions[self.members[self.filled]] = places[self.filled]
        return positions

    def select(self, array: np.ndarray) -> np.ndarray:
        """From `[..., groups, members]` to `[..., r, w]`, 0 at fillers."""
        return array[..., self.rows[:, None], self.columns] * self.filled
