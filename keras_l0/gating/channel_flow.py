"""Where the units of a layer go, until another layer mixes them."""

import dataclasses

import keras
from keras import layers

from keras_l0.graph import Graph
from keras_l0.graph import Node
from keras_l0.internal.keras_internals import operation_class

# Layers that make units of their own out of all that they read.
_MIXING = (
    layers.Dense,
    layers.EinsumDense,
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.SeparableConv1D,
    layers.SeparableConv2D,
    layers.SimpleRNN,
    layers.GRU,
    layers.LSTM,
    layers.Bidirectional,
    layers.Embedding,
    layers.MultiHeadAttention,
    layers.GroupQueryAttention,
)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_SUMS = (
    layers.Add,
    layers.Subtract,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    operation_class("Add"),
    operation_class("Subtract"),
    operation_class("Maximum"),
    operation_class("Minimum"),
)
_PRODUCTS = (layers.Multiply, operation_class("Multiply"))
# Behind these a gate may stand.
_ENDS = (
    layers.BatchNormalization,
    layers.Activation,
    layers.ReLU,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ELU,
)
# These may lie between a layer and what ends its group.
_BETWEEN = (
    *_DEPTHWISE,
    layers.Dropout,
    layers.SpatialDropout1D,
    layers.SpatialDropout2D,
    layers.SpatialDropout3D,
    layers.ZeroPadding1D,
    layers.ZeroPadding2D,
    layers.ZeroPadding3D,
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
)


@dataclasses.dataclass(frozen=True)
class Reached:
    """What the units of a tensor meet before they are mixed.

    Attributes:
        outputs: Whether they are part of a model output.
        sums: Names of the sums of tensors that they are part of.
        scales: Whether they multiply a larger tensor.
        normalized: Whether they are batch-normalized.
    """

    outputs: bool
    sums: frozenset[str]
    scales: bool
    normalized: bool


class ChannelFlow:
    """Follows units through a graph.

    Args:
        graph: The graph of a model without gates.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self._outputs = set(graph.output_tensors())
        self._readers: dict[int, list[Node]] = {}
        self._makers: dict[int, Node] = {}
        self._nodes = {node.name: node for node in graph.nodes}
        for node in graph.nodes:
            for tensor in node.outputs:
                self._makers[tensor] = node
            for tensor in dict.fromkeys(node.inputs):
                self._readers.setdefault(tensor, []).append(node)

    def node(self, name: str) -> Node:
        """The call of that name."""
        return self._nodes[name]

    def maker(self, tensor: int) -> Node:
        """The call that returns a tensor."""
        return self._makers[tensor]

    def calls(self, operation: keras.Operation) -> int:
        """How many calls an operation has."""
        return sum(n.operation is operation for n in self.graph.nodes)

    def makes_units(self, node: Node) -> bool:
        """Whether a call makes units that can be followed."""
        return isinstance(node.operation, _MIXING) and len(node.outputs) == 1

    def shape(self, node: Node) -> tuple:
        """Shape of what a call returns."""
        return self.graph.shape(node.outputs[0])

    def unit_axis(self, node: Node) -> int:
        """The axis of the units, counted from the end or 1."""
        first = getattr(node.operation, "data_format", "") == "channels_first"
        return 1 if first else -1

    def end_of_group(self, node: Node) -> Node:
        """The last call that leaves the units of `node` alone and to itself.

        Batch normalizations and activations behind a layer belong to it, also
        behind a depthwise convolution.
        """
        end = here = node
        while True:
            following = self.sole_reader(here)
            if isinstance(following and following.operation, _ENDS):
                end = here = following
            elif self._lets_through(following):
                here = following
            else:
                return end

    def sole_reader(self, node: Node) -> Node | None:
        """The call that alone reads what a call returns, and nothing else."""
        (tensor,) = node.outputs
        readers = self._readers.get(tensor, [])
        if len(readers) != 1 or tensor in self._outputs:
            return None
        return readers[0] if len(readers[0].inputs) == 1 else None

    def _lets_through(self, node):
        if node is None or not isinstance(node.operation, _BETWEEN):
            return False
        return getattr(node.operation, "depth_multiplier", 1) == 1

    def reached(self, node: Node) -> Reached:
        """What the units of a call's output meet before they are mixed."""
        sums, scales, normalized, outputs = set(), False, False, False
        pending, seen = list(node.outputs), set(node.outputs)
        while pending:
            tensor = pending.pop()
            outputs |= tensor in self._outputs
            for reader in self._readers.get(tensor, []):
                operation = reader.operation
                if isinstance(operation, _MIXING):
                    continue
                if isinstance(operation, _SUMS) and len(reader.inputs) > 1:
                    sums.add(reader.name)
                if isinstance(operation, _PRODUCTS):
                    scales |= self._is_smaller(tensor, reader)
                normalized |= isinstance(operation, layers.BatchNormalization)
                new = [t for t in reader.outputs if t not in seen]
                seen.update(new)
                pending.extend(new)
        return Reached(outputs, frozenset(sums), scales, normalized)

    def _is_smaller(self, tensor, reader):
        return self.graph.shape(tensor) != self.shape(reader)

    def streams(self, writers: list[Node]) -> list[tuple[list[str], bool]]:
        """Calls whose units meet in sums, group by group.

        Args:
            writers: Ends of groups whose units are summed.

        Returns:
            groups: Names of the ends of each stream, and whether gates that
                they share make the stream narrower: all of it comes from them.
        """
        sums = {node.name: self.reached(node).sums for node in writers}
        groups: list[tuple[list[str], set[str]]] = []
        for name, met in sums.items():
            touching = [g for g in groups if g[1] & met]
            groups = [g for g in groups if not g[1] & met]
            names = [n for g in touching for n in g[0]]
            groups.append(
                ([*names, name], set(met).union(*(g[1] for g in touching)))
            )
        return [
            (names, self._closed_under_sums(names, met))
            for names, met in groups
        ]

    def _closed_under_sums(self, names, met):
        """Whether every operand of the sums comes from one of the writers."""
        sizes = {self.shape(self.node(name))[-1] for name in names}
        return len(sizes) == 1 and all(
            self._comes_from(tensor, names, set())
            for name in met
            for tensor in self.node(name).inputs
        )

    def _comes_from(self, tensor, names, seen):
        pending = [tensor]
        while pending:
            node = self._makers[pending.pop()]
            if node.name in names or node.name in seen:
                continue
            seen.add(node.name)
            if isinstance(node.operation, (*_MIXING, keras.layers.InputLayer)):
                return False
            pending.extend(node.inputs)
        return True
