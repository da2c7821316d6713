"""The record of a model: operations, tensors, and weights as NumPy arrays."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_l0.internal import keras_internals

_UNNAMED = re.compile(r"variable(_\d+)?")


@dataclasses.dataclass(frozen=True)
class Ref:
    """Stands for tensor number `tensor` in the arguments of a node."""

    tensor: int


@dataclasses.dataclass(frozen=True)
class Scale:
    """The operation of a gate: multiplies one axis of a tensor by constants.

    Gates of heads multiply an axis of a kernel instead.

    Attributes:
        name: Name of the `L0Gate`.
        gates: Deterministic gates, float64 `[n]`, in [0, 1].
        axis: The gated axis, counted from the front; that of the wrapper, of
            heads.
        wrapper: The `L0Gate`; it is only to be looked at.
        reserved: Boolean `[n]`: closed gates whose units are to stay; None if
            there are none.
        keep: Whether the gate itself is to stay. `gates` are then 0 or 1.
    """

    name: str
    gates: np.ndarray
    axis: int
    wrapper: Any = None
    reserved: np.ndarray | None = None
    keep: bool = False

    @property
    def closed(self) -> np.ndarray:
        """Boolean `[n]`: units that go."""
        if self.reserved is None:
            return self.gates == 0
        return (self.gates == 0) & ~self.reserved


@dataclasses.dataclass
class Node:
    """One call of one operation.

    Attributes:
        name: Unique in the graph.
        operation: A `keras.layers.Layer`, a `keras.Operation` or a `Scale`.
        args, kwargs: Arguments of the call; each tensor is a `Ref`.
        outputs: Numbers of the tensors that the call returns, flattened.
        weights: Key as in `named_weights` -> value; those of a layer whose
            single weights or heads are gated hold the gated values.
        heads: The gates of a layer's heads, if they are gated.
    """

    name: str
    operation: Any
    args: tuple
    kwargs: dict
    outputs: list[int]
    weights: dict[str, np.ndarray]
    heads: Scale | None = None

    @property
    def gate(self) -> Scale | None:
        """The gate that the node is, or that its heads have."""
        is_gate = isinstance(self.operation, Scale)
        return self.operation if is_gate else self.heads

    def change_gate(self, **changes: Any) -> None:
        """Changes attributes of `gate`."""
        changed = dataclasses.replace(self.gate, **changes)
        if isinstance(self.operation, Scale):
            self.operation = changed
        else:
            self.heads = changed

    @property
    def inputs(self) -> list[int]:
        """Numbers of the tensors that the call reads, flattened."""
        return list(refs((self.args, self.kwargs)))

    @property
    def type_name(self) -> str:
        """Class of the operation, for messages."""
        return type(self.operation).__name__


@dataclasses.dataclass
class Graph:
    """A model as a list of nodes, each after the nodes that feed it.

    Attributes:
        nodes: The calls.
        specs: Tensor number -> `keras.KerasTensor` (shape, dtype, sparsity).
        inputs: Model inputs as the model structures them, with `Ref`s.
        outputs: Model outputs, likewise.
        gates: Name of each `L0Gate` -> its deterministic gates.
    """

    nodes: list[Node]
    specs: dict[int, Any]
    inputs: Any
    outputs: Any
    gates: dict[str, np.ndarray]

    def opened(self) -> "Graph":
        """The same graph with every gate at 1."""
        nodes = []
        for node in self.nodes:
            weights = weight_values(node.operation)
            nodes.append(dataclasses.replace(node, weights=weights))
            if node.gate is not None:
                nodes[-1].change_gate(gates=np.ones_like(node.gate.gates))
        gates = {name: np.ones_like(z) for name, z in self.gates.items()}
        return dataclasses.replace(self, nodes=nodes, gates=gates)

    def calls(self, operation: object) -> int:
        """How many nodes call `operation`."""
        return sum(node.operation is operation for node in self.nodes)

    def shape(self, tensor: int) -> tuple:
        """Shape of a tensor, batch axis included."""
        return tuple(self.specs[tensor].shape)

    def has_mask(self, tensor: int) -> bool:
        """Whether Keras hands a mask on with a tensor."""
        return keras_internals.has_mask(self.specs[tensor])

    def output_tensors(self) -> list[int]:
        """Numbers of the tensors that the model returns."""
        return list(refs(self.outputs))


def named_weights(operation: object) -> dict[str, keras.Variable]:
    """Weights of an operation by name; equal for a layer and its copy.

    Names that occur more than once (in layers that hold layers) are counted,
    and so are those of weights that nobody named, which Keras numbers anew in
    every layer.
    """
    weights = list(getattr(operation, "weights", ()))
    names = [
        "variable" if _UNNAMED.fullmatch(weight.name) else weight.name
        for weight in weights
    ]
    return {
        name if names.count(name) == 1 else f"{name}:{i}": weight
        for i, (name, weight) in enumerate(zip(names, weights, strict=True))
    }


def weight_values(operation: object) -> dict[str, np.ndarray]:
    """Values of an operation's weights, by the names of `named_weights`."""
    return {
        key: variable.numpy()
        for key, variable in named_weights(operation).items()
    }


def refs(structure: Any) -> Iterator[int]:
    """Numbers of the tensors in `structure`, in its flat order."""
    for leaf in keras.tree.flatten(structure):
        if isinstance(leaf, Ref):
            yield leaf.tensor
