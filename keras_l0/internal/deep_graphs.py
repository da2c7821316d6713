"""Room for Keras to build graphs of more than a thousand layers in a row."""

import contextlib
import sys
from collections.abc import Iterator

# Frames that Keras takes per layer when it walks a graph, with a margin.
_FRAMES_PER_LAYER = 4


@contextlib.contextmanager
def deep_graphs(num_layers: int) -> Iterator[None]:
    """Raises Python's limit of recursion, which Keras walks graphs by.

    Args:
        num_layers: Number of layers and operations of the graph.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 1000 + _FRAMES_PER_LAYER * num_layers))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
