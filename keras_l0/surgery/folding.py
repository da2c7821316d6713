"""Folds open gates into the layers that produce what they multiply."""

import dataclasses

import numpy as np

from keras_l0.graph import Scale
from keras_l0.surgery.alignment import AlignedGraph
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.rule import Call


def fold_gates(graph: AlignedGraph) -> None:
    """Multiplies gates into the weights before them, wherever that is exact.

    A gate z >= 0 moves back through operations that commute with it (ReLU,
    pooling) to a layer whose weights can take it. On that way nobody else may
    read a tensor; a layer that is called more than once takes what stands
    behind all of its calls. A closed gate becomes a kernel column, or a gamma,
    of zeros, which the analysis then recognizes. What cannot be folded here is
    left to the consumers.
    """
    behind = _gates_behind(graph)
    for index in behind:
        group = graph.sharing.group(index)
        factors = [_product(behind.get(i, ())) for i in group]
        if all(np.array_equal(factors[0], other) for other in factors):
            _fold(graph, group, behind, factors[0])


def _gates_behind(graph: AlignedGraph) -> dict[int, list[Call]]:
    """Number of each call that could take gates -> those gates."""
    producers = {
        t: i for i, c in enumerate(graph.calls) for t in c.node.outputs
    }
    behind: dict[int, list[Call]] = {}
    for call in graph.calls:
        if isinstance(call.layer, Scale):
            index = _target(graph, producers, call)
            if index is not None:
                behind.setdefault(index, []).append(call)
    return behind


def _target(graph, producers, gate):
    """Number of the call whose weights can take the gates, if there is one."""
    gates, tensor = gate.layer.gates, gate.node.inputs[0]
    while graph.consumers[tensor] == 1:
        index = producers[tensor]
        call, rule = graph.calls[index], graph.rules[index]
        if isinstance(rule, Barrier) or not _has_channels(
            call, graph.axes[tensor], gates.size
        ):
            return None
        if rule.scaled_weights(call, gates) is not None:
            return index
        if not rule.commutes_with_scale(call) or not call.node.inputs:
            return None
        tensor = call.node.inputs[0]
    return None


def _has_channels(call, axis, size):
    """Whether the call's output has the gate's channels, one to one."""
    return axis is not None and call.output_shapes[0][axis] == size


def _product(gates):
    return np.prod([_foldable(gate.layer) for gate in gates], axis=0)


def _foldable(scale):
    """The gates, without those of closed units that keep their weights."""
    return np.where((scale.gates == 0) & ~scale.closed, 1.0, scale.gates)


def _fold(graph, group, behind, factors):
    """Gives the calls of a group their weights, and leaves gates of 1."""
    call, rule = graph.calls[group[0]], graph.rules[group[0]]
    weights = rule.scaled_weights(call, factors)
    for index in group:
        graph.calls[index].node.weights = weights
        for gate in behind.get(index, ()):
            kept = (gate.layer.gates == 0) & ~gate.layer.closed
            gate.node.operation = dataclasses.replace(
                gate.layer, gates=np.where(kept, 0.0, 1.0)
            )
