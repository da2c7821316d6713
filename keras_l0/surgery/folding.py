"""Folds open gates into the layers that produce what they multiply."""

import numpy as np

from keras_l0.graph import Scale
from keras_l0.surgery.alignment import AlignedGraph
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.rule import Call


def fold_gates(graph: AlignedGraph) -> None:
    """Multiplies gates into the weights before them, wherever that is exact.

    A gate z >= 0 moves back through operations that commute with it (ReLU,
    pooling) to a layer whose weights can take it. On that way nobody else may
    read a tensor. A closed gate becomes a kernel column, or a gamma, of zeros,
    which the analysis then recognizes. What cannot be folded here is left to
    the consumers.
    """
    producers = {
        t: i for i, c in enumerate(graph.calls) for t in c.node.outputs
    }
    for call in graph.calls:
        if isinstance(call.layer, Scale):
            _fold(graph, producers, call)


def _fold(graph: AlignedGraph, producers: dict[int, int], gate: Call) -> None:
    gates, axis = gate.layer.gates, graph.axes[gate.node.outputs[0]]
    tensor = gate.node.inputs[0]
    while graph.consumers(tensor) == 1:
        index = producers[tensor]
        call, rule = graph.calls[index], graph.rules[index]
        if isinstance(rule, Barrier) or not _has_channels(
            call, graph.axes[tensor], gates.size
        ):
            return
        weights = rule.scaled_weights(call, gates)
        if weights is not None:
            call.node.weights = weights
            ones = Scale(gate.layer.name, np.ones_like(gates), axis)
            gate.node.operation = ones
            return
        if not rule.commutes_with_scale(call) or not call.node.inputs:
            return
        tensor = call.node.inputs[0]


def _has_channels(call, axis, size):
    """Whether the call's output has the gate's channels, one to one."""
    return axis is not None and call.output_shapes[0][axis] == size
