"""Chooses layers by path, class or function."""

import difflib
import re
from collections.abc import Callable
from collections.abc import Iterable

import keras

# A regular expression for the path of a layer, a class, or a function of the
# layer; or several of these, of which one must fit.
LayerFilter = (
    str
    | type
    | Callable[[keras.layers.Layer], bool]
    | Iterable["LayerFilter"]
    | None
)


def choose(
    layers: dict[str, keras.layers.Layer],
    include: LayerFilter = None,
    exclude: LayerFilter = None,
) -> set[str]:
    """Paths of the layers that are included and not excluded.

    Args:
        layers: Path -> layer; `/` leads into nested models.
        include: What to take. A string is a regular expression that is
            searched for in the path, a class takes its instances, a function
            takes the layers for which it is true. None takes all.
        exclude: What to leave, likewise. None leaves nothing.

    Returns:
        paths: The chosen ones.

    Raises:
        TypeError: if a filter is something else.
        ValueError: if a regular expression is none, or a filter fits nothing.
    """
    taken = set(layers)
    if include is not None:
        taken = _fitting(layers, include, "include")
    if exclude is not None:
        taken -= _fitting(layers, exclude, "exclude")
    return taken


def _fitting(layers, given, name):
    if isinstance(given, list | tuple | set | frozenset):
        return set().union(*(_fitting(layers, one, name) for one in given))
    fits = _predicate(given, name)
    found = {path for path, layer in layers.items() if fits(path, layer)}
    if not found:
        raise ValueError(
            f"`{name}` fits no layer.{_near(given, layers)} "
            f"Received: {name}={given!r}"
        )
    return found


def _predicate(given, name):
    """A function of path and layer."""
    if isinstance(given, str):
        try:
            pattern = re.compile(given)
        except re.error as error:
            raise ValueError(
                f"`{name}` must be a regular expression ({error}). "
                f"Received: {name}={given!r}"
            ) from error
        return lambda path, layer: pattern.search(path)
    if isinstance(given, type):
        return lambda path, layer: isinstance(layer, given)
    if callable(given):
        return lambda path, layer: given(layer)
    raise TypeError(
        f"`{name}` must be a regular expression, a layer class, a function of "
        f"a layer, or a list of them. Received: {name}={given!r} "
        f"({type(given).__name__})"
    )


def _near(given, layers):
    """What the caller may have meant."""
    names = sorted(layers)
    if isinstance(given, str):
        names = (
            difflib.get_close_matches(given, names, n=3, cutoff=0.4) or names
        )
    shown = ", ".join(map(repr, names[:3]))
    return f" There are {len(layers)}, e.g. {shown}." if names else ""
