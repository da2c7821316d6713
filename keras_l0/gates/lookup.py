"""Finds a gate family by name."""

from keras_l0.gates.gate import Gate
from keras_l0.gates.hard_concrete import HardConcrete

_FAMILIES = {
    "hard_concrete": HardConcrete,
}


def get(identifier: str | Gate) -> Gate:
    """Returns a gate family.

    Args:
        identifier: The name of a family, built with its defaults
            (`"hard_concrete"`), or a `keras_l0.gates.Gate`, returned as it is.

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
