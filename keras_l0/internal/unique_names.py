"""Names that are given once each."""

from collections.abc import Iterable


class UniqueNames:
    """Counts a name up if it has been given before.

    Args:
        taken: Names that are not to be given.
    """

    def __init__(self, taken: Iterable[str] = ()):
        self._taken = set(taken)

    def __call__(self, name: str) -> str:
        """`name`, or `name_1`, `name_2`, ... if that is taken."""
        unique, count = name, 0
        while unique in self._taken:
            count += 1
            unique = f"{name}_{count}"
        self._taken.add(unique)
        return unique
