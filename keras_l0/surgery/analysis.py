"""Which channels are constant, which are needed: forward, then backward.

Both passes are abstract interpretation: the rules are the transfer functions,
`Channels` the lattice. No model is touched.
"""

import dataclasses

import keras
import numpy as np

from keras_l0.surgery.alignment import AlignedGraph
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What is known of every tensor.

    Attributes:
        channels: Tensor number -> its channels.
        kept: Tensor number -> which of them the smaller model computes,
            boolean `[n]`.
    """

    channels: dict[int, Channels]
    kept: dict[int, np.ndarray]


def analyze(graph: AlignedGraph) -> Analysis:
    """Finds the known constants and the channels that anybody needs."""
    channels = _forward(graph)
    return Analysis(channels, _backward(graph, channels))


def _forward(graph):
    """From the inputs: which channels are known constants."""
    channels: dict[int, Channels] = {}
    for call, rule in zip(graph.calls, graph.rules, strict=True):
        if isinstance(rule, Barrier):
            results = [
                Channels.whole(shape, graph.axes[tensor])
                for tensor, shape in zip(
                    call.node.outputs, call.output_shapes, strict=True
                )
            ]
        else:
            inputs = [channels[t] for t in call.node.inputs]
            results = rule.forward(call, inputs)
        channels.update(zip(call.node.outputs, results, strict=True))
    return channels


def _backward(graph, channels):
    """From the outputs: which channels are needed, hence kept.

    What one call of a shared layer keeps, all its calls keep, those behind it
    too: hence sweeps until nothing changes. Each adds channels, so they end.
    """
    needed = {t: np.zeros(c.size, bool) for t, c in channels.items()}
    for ref in keras.tree.flatten(graph.outputs):
        needed[ref.tensor][:] = True
    kept = {t: np.zeros(c.size, bool) for t, c in channels.items()}
    while _sweep(graph, channels, needed, kept):
        pass
    return kept


def _sweep(graph, channels, needed, kept):
    """Goes once from the outputs to the inputs; whether to go again."""
    again = False
    for index in reversed(range(len(graph.calls))):
        call = graph.calls[index]
        outputs = [channels[t].kept(needed[t]) for t in call.node.outputs]
        if not any(part.any() for part in outputs):
            continue
        group = [index]
        if not isinstance(graph.rules[index], Barrier):
            group = graph.sharing.group(index)
        for other in group:
            others = [kept[t] for t in graph.calls[other].node.outputs]
            outputs = [a | b for a, b in zip(outputs, others, strict=True)]
        for tensor, part in zip(call.node.outputs, outputs, strict=True):
            again |= len(group) > 1 and bool((part & ~kept[tensor]).any())
            kept[tensor] = part
        parts = _needed_inputs(graph, channels, index, outputs)
        for tensor, part in zip(call.node.inputs, parts, strict=True):
            needed[tensor] |= part
    return again


def _needed_inputs(graph, channels, index, outputs):
    inputs = graph.inputs(index, channels)
    if isinstance(graph.rules[index], Barrier):
        return [np.ones(x.size, bool) for x in inputs]
    return graph.rules[index].backward(graph.calls[index], inputs, outputs)
