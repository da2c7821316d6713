"""Which modules and symbols are public, by what keras_l0 itself lists."""

import inspect
import types
from collections.abc import Iterator

import keras_l0


def public_modules() -> list[types.ModuleType]:
    """Returns keras_l0 and those of its modules that its `__all__` lists."""
    listed = [getattr(keras_l0, name) for name in keras_l0.__all__]
    return [keras_l0, *filter(inspect.ismodule, listed)]


def public_symbols() -> Iterator[tuple[str, object]]:
    """Yields each public class, function or value once, with its name."""
    seen = []
    for module in public_modules():
        for name in module.__all__:
            symbol = getattr(module, name)
            if inspect.ismodule(symbol) or any(symbol is s for s in seen):
                continue
            seen.append(symbol)
            yield f"{module.__name__}.{name}", symbol
