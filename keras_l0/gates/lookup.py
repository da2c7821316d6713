"""Finds a gate family by name."""

from keras_l0.gates.arm import ARM
from keras_l0.gates.dependent_hard_concrete import DependentHardConcrete
from keras_l0.gates.diff_prune import DiffPrune
from keras_l0.gates.gate import Gate
from keras_l0.gates.hard_concrete import HardConcrete
from keras_l0.gates.straight_through import StraightThrough

_FAMILIES = {
    "hard_concrete": HardConcrete,
    "arm": ARM,
    "diff_prune": DiffPrune,
    "straight_through": StraightThrough,
    "dependent": DependentHardConcrete,
}


def get(identifier: str | Gate) -> Gate:
    """Returns a gate family.

    Args:
        identifier: The name of a family, built with its defaults
            (`"hard_concrete"`, `"arm"`, `"diff_prune"`, `"straight_through"`,
            `"dependent"`), or a `keras_l0.gates.Gate`, returned as it is.

    Returns:
        gate: A `keras_l0.gates.Gate`.

    Raises:
        ValueError: if no family has that name.
        TypeError: if `identifier` is neither a string nor a gate family.

    Example:

    >>> keras_l0.gates.get("hard_concrete").drop_rate
    0.5
    """
    if isinstance(identifier, Gate):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            "`gate` must be the name of a gate family or a "
            "`keras_l0.gates.Gate`. Received: "
            f"gate={identifier!r} ({type(identifier).__name__})"
        )
    if identifier not in _FAMILIES:
        raise ValueError(
            f"Unknown `gate`. Expected one of {tuple(_FAMILIES)} or a "
            f"`keras_l0.gates.Gate`. Received: gate={identifier!r}"
        )
    return _FAMILIES[identifier]()
