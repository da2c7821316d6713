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
    """From the outputs: which channels are needed, hence kept."""
    needed = {t: np.zeros(c.size, bool) for t, c in channels.items()}
    for ref in keras.tree.flatten(graph.outputs):
        needed[ref.tensor][:] = True
    kept: dict[int, np.ndarray] = {}
    for call, rule in reversed(
        list(zip(graph.calls, graph.rules, strict=True))
    ):
        outputs = [channels[t].kept(needed[t]) for t in call.node.outputs]
        kept.update(zip(call.node.outputs, outputs, strict=True))
        if not any(part.any() for part in outputs):
            continue
        inputs = [channels[t] for t in call.node.inputs]
        if isinstance(rule, Barrier):
            parts = [np.ones(x.size, bool) for x in inputs]
        else:
            parts = rule.backward(call, inputs, outputs)
        for tensor, part in zip(call.node.inputs, parts, strict=True):
            needed[tensor] |= part
    return kept
