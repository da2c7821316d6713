"""When a channel is there: an expression of gates for each.

Follows the passes of `keras_l0.surgery.analysis`, forward and backward, with
expressions in place of truth values. A layer that mixes its channels counts as
one that always has a live input and a reader.
"""

import dataclasses

import keras
import numpy as np

from keras_l0.budget.expressions import Expressions
from keras_l0.budget.reach import MANY
from keras_l0.budget.reach import NONE
from keras_l0.budget.reach import Probe
from keras_l0.budget.reach import Reach
from keras_l0.graph import Scale
from keras_l0.surgery.alignment import AlignedGraph
from keras_l0.surgery.barrier import Barrier


@dataclasses.dataclass(frozen=True)
class CallChannels:
    """When the channels that a call reads and writes are there.

    Attributes:
        inputs: One array of expressions per input.
        outputs: One per output.
    """

    inputs: list[np.ndarray]
    outputs: list[np.ndarray]


class Survival:
    """When each channel of each tensor is there.

    Args:
        graph: The aligned graph of a gated model.
        expressions: Where expressions are made.
        starts: Id of each gate vector -> number of its first gate.
    """

    def __init__(
        self,
        graph: AlignedGraph,
        expressions: Expressions,
        starts: dict[int, int],
    ):
        self._graph, self._expressions = graph, expressions
        self._starts = starts
        self._live: dict[int, np.ndarray] = {}
        self._divisible: dict[int, bool] = {}
        self._reaches: list[dict[tuple[int, int], Reach] | None] = []
        for index in range(len(graph.calls)):
            self._go_forward(index)
        self._kept = self._go_backward()

    def of_call(self, index: int) -> CallChannels:
        """When the channels that call number `index` works on are there."""
        node = self._graph.calls[index].node
        kept = [self._kept[t] for t in node.outputs]
        needed = self._needed_by(index, kept)
        return CallChannels(
            [
                self._expressions.all_of(part, self._live[t])
                for part, t in zip(needed, node.inputs, strict=True)
            ],
            kept,
        )

    def _go_forward(self, index):
        call, rule = self._graph.calls[index], self._graph.rules[index]
        outputs, reaches = call.node.outputs, None
        if isinstance(rule, Barrier):
            sizes = [
                1 if self._graph.axes[t] is None else s[self._graph.axes[t]]
                for t, s in zip(outputs, call.output_shapes, strict=True)
            ]
            divisible = [False] * len(outputs)
        else:
            probe = self._probe(call, rule)
            sizes, divisible = probe.sizes, probe.divisible
            reaches = {
                (i, o): probe.reach(i, o)
                for i in range(len(call.node.inputs))
                for o in range(len(outputs))
            }
        self._reaches.append(reaches)
        for o, (tensor, size) in enumerate(zip(outputs, sizes, strict=True)):
            self._divisible[tensor] = divisible[o]
            self._live[tensor] = self._live_output(call, reaches, o, size)

    def _probe(self, call, rule):
        inputs = call.node.inputs
        axes = [self._graph.axes[t] for t in inputs]
        return Probe(call, rule, axes, [self._live[t].size for t in inputs])

    def _live_output(self, call, reaches, output, size):
        """When the channels of an output vary."""
        make = self._expressions
        if isinstance(call.layer, Scale):
            vector = id(call.layer.wrapper.gate_vector)
            gates = make.gates(self._starts[vector], size)
            return make.all_of(self._live[call.node.inputs[0]], gates)
        always = np.full(size, make.TRUE)
        if not reaches:
            return always
        live, decisive = np.full(size, make.FALSE), always
        for place, tensor in enumerate(call.node.inputs):
            reach = reaches[place, output]
            part = _pick(self._live[tensor], reach.source)
            if reach.decides:
                decisive = make.all_of(decisive, part)
            else:
                live = make.any_of(live, part)
        if all(
            reaches[i, output].decides for i in range(len(call.node.inputs))
        ):
            return decisive
        return make.all_of(decisive, live)

    def _go_backward(self):
        make, graph = self._expressions, self._graph
        needed = {
            t: np.full(live.size, make.FALSE) for t, live in self._live.items()
        }
        for ref in keras.tree.flatten(graph.outputs):
            needed[ref.tensor][:] = make.TRUE
        kept = {}
        for index in reversed(range(len(graph.calls))):
            node = graph.calls[index].node
            for tensor in node.outputs:
                kept[tensor] = self._kept_of(tensor, needed[tensor])
            parts = self._needed_by(index, [kept[t] for t in node.outputs])
            for tensor, part in zip(node.inputs, parts, strict=True):
                needed[tensor] = make.any_of(needed[tensor], part)
        return kept

    def _kept_of(self, tensor, needed):
        make = self._expressions
        if not self._divisible[tensor]:
            return np.full(needed.size, make.TRUE)
        return make.all_of(needed, self._live[tensor])

    def _needed_by(self, index, kept):
        """When a call needs the channels of its inputs."""
        make, reaches = self._expressions, self._reaches[index]
        inputs = self._graph.calls[index].node.inputs
        if reaches is None:
            return [np.full(self._live[t].size, make.TRUE) for t in inputs]
        needed = []
        for place, tensor in enumerate(inputs):
            part = np.full(self._live[tensor].size, make.FALSE)
            for output, flags in enumerate(kept):
                reach = reaches[place, output]
                part = make.any_of(part, self._readers(reach, flags))
            needed.append(part)
        return needed

    def _readers(self, reach, kept):
        make = self._expressions
        if (reach.reader != MANY).all() or (reach.source == MANY).any():
            return _pick(kept, reach.reader)
        # Every output channel has one source: what reads a channel are those.
        needed = np.full(reach.reader.size, make.FALSE)
        order = np.argsort(reach.source, kind="stable")
        order = order[reach.source[order] >= 0]
        turn = _turns(reach.source[order])
        for number in range(turn.max(initial=-1) + 1):
            some = order[turn == number]
            places = reach.source[some]
            needed[places] = make.any_of(needed[places], kept[some])
        return needed


def _turns(sorted_values):
    """How many equal values stand in front of each."""
    first = np.searchsorted(sorted_values, sorted_values, side="left")
    return np.arange(sorted_values.size) - first


def _pick(expressions, numbers):
    """`expressions[numbers]`; true for `MANY`, false for `NONE`."""
    picked = expressions[np.maximum(numbers, 0)]
    picked = np.where(numbers == NONE, Expressions.FALSE, picked)
    return np.where(numbers == MANY, Expressions.TRUE, picked)
