"""Closed units that a smaller model keeps all the same, if it is asked to."""

import dataclasses

import numpy as np

from keras_l0.graph import Graph
from keras_l0.internal import layer_filter
from keras_l0.internal import validation


@dataclasses.dataclass(frozen=True)
class Limits:
    """How far to cut.

    Attributes:
        min_units: Units that each gated layer keeps at least.
        round_to: Kept units of each gated layer are a multiple of it, where
            the layer has that many.
        include, exclude: Gated layers to cut; see `layer_filter.choose`.

    Raises:
        ValueError: if a number is out of its range.
        TypeError: if a number is none.
    """

    min_units: int = 0
    round_to: int = 1
    include: layer_filter.LayerFilter = None
    exclude: layer_filter.LayerFilter = None

    def __post_init__(self):
        validation.check_integer("min_units", self.min_units, 0)
        validation.check_integer("round_to", self.round_to, 1)

    def kept(self, opened: int, total: int) -> int:
        """Number of units to keep, of which `opened` are open."""
        if not opened and not self.min_units:
            return 0  # the layer goes as a whole
        wanted = max(opened, self.min_units)
        return min(-(-wanted // self.round_to) * self.round_to, total)


def reserve(graph: Graph, limits: Limits) -> dict[str, list[int]]:
    """Marks closed units that are to stay; their gates remain 0.

    The best ones stay: those whose logits are highest. They keep the weights
    that compute them. Whoever reads them has weights of 0 for them, so that
    the function stays the same, and further training can use them again.

    Args:
        graph: The model; its gates are changed.
        limits: How far to cut.

    Returns:
        reserved: Name of each gated layer -> the closed units that stay.
    """
    scales = {n.gate.name: n for n in graph.nodes if n.gate is not None}
    layers = {name: n.gate.wrapper.layer for name, n in scales.items()}
    chosen = layer_filter.choose(layers, limits.include, limits.exclude)
    found = {}
    for name, node in scales.items():
        scale = node.gate
        closed = np.flatnonzero(scale.gates == 0)
        count = closed.size
        if name in chosen:
            opened = scale.gates.size - closed.size
            count = limits.kept(opened, scale.gates.size) - opened
        # Stable: of equal ones the first, whatever layer shares the gates.
        logits = np.asarray(scale.wrapper.gate_vector.effective_logits())
        best = closed[np.argsort(-logits[closed], kind="stable")]
        reserved = np.zeros(scale.gates.size, bool)
        reserved[best[: max(count, 0)]] = True
        if reserved.any():
            node.change_gate(reserved=reserved)
            found[name] = np.flatnonzero(reserved).tolist()
    return found
