"""Checks the paths that callbacks are given."""

import os


def check_path(name: str, value: object) -> str:
    """Returns a path as a string, `~` resolved.

    Args:
        name: Name of the caller's argument, for messages.
        value: What a user gave.

    Raises:
        TypeError: if it is not a path.
        ValueError: if it is empty.
    """
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(
            f"`{name}` must be a path. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    if not os.fspath(value):
        raise ValueError(f"`{name}` must not be empty. Received: {name}=''")
    return os.path.expanduser(os.fspath(value))
