"""Chooses, for every tensor, the axis along which its channels are followed."""

import collections
import dataclasses
import functools
from typing import Any

import keras

from keras_l0.graph import Graph
from keras_l0.graph import Node
from keras_l0.graph import Ref
from keras_l0.graph import refs
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.channels import default_axis
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.sharing import Sharing
from keras_l0.surgery.sharing import agreed


@dataclasses.dataclass(frozen=True)
class Realign:
    """Stands where a tensor is followed along another axis than before."""

    axis: int | None


@dataclasses.dataclass(frozen=True)
class AlignedGraph:
    """A graph whose calls agree on the axes of the tensors between them.

    Attributes:
        calls: One per node, `Realign`s among them, in order.
        rules: One per call: its rule, or why there is none.
        axes: Tensor number -> axis, or None: nothing to follow.
        outputs: Model outputs, as in `Graph`.
    """

    calls: list[Call]
    rules: list[StripRule | Barrier]
    axes: dict[int, int | None]
    outputs: Any

    @functools.cached_property
    def consumers(self) -> collections.Counter:
        """How often each tensor is read, by calls and as a model output."""
        count = collections.Counter(refs(self.outputs))
        for call in self.calls:
            count.update(call.node.inputs)
        return count

    def inputs(
        self, index: int, channels: dict[int, Channels]
    ) -> list[Channels]:
        """Channels of a call's inputs, known where all that share know them.

        Args:
            index: Number of the call.
            channels: Tensor number -> its channels.
        """
        group = self.sharing.group(index)
        own = [channels[t] for t in self.calls[index].node.inputs]
        if len(group) == 1:
            return own
        others = [
            [channels[t] for t in self.calls[i].node.inputs] for i in group
        ]
        return [
            agreed(x, [call[place] for call in others])
            for place, x in enumerate(own)
        ]

    @functools.cached_property
    def sharing(self) -> Sharing:
        """Which calls use one set of weights."""
        return Sharing(self.calls)


def align(graph: Graph) -> AlignedGraph:
    """Finds the rule of every node and the axis of every tensor."""
    return _Aligner(graph).align()


class _Aligner:
    def __init__(self, graph):
        self.graph = graph
        self.shapes = {t: graph.shape(t) for t in graph.specs}
        self.aligned = AlignedGraph([], [], {}, graph.outputs)
        self.realigned: dict[tuple, int] = {}
        # id of a layer with weights -> axes of the inputs of its first call,
        # counted from the back
        self.first: dict[int, list[int | None]] = {}

    def align(self):
        for node in self.graph.nodes:
            call = self._call(dataclasses.replace(node))
            rule = _rule_of(self.graph, call)
            if isinstance(rule, StripRule):
                call = self._with_inputs_on_axis(call, rule)
            self._append(call, rule)
        self.aligned.sharing.agree(self.aligned.rules, self.aligned.axes)
        return self.aligned

    def _call(self, node):
        shapes = [[self.shapes[t] for t in ts] for ts in _tensors(node)]
        return Call(node, *shapes)

    def _append(self, call, rule):
        axes, outputs = self.aligned.axes, call.node.outputs
        if isinstance(rule, Barrier):
            found = [default_axis(self.shapes[tensor]) for tensor in outputs]
        else:
            found = rule.output_axes(call, [axes[t] for t in call.node.inputs])
        axes.update(zip(outputs, found, strict=True))
        self.aligned.calls.append(call)
        self.aligned.rules.append(rule)

    def _with_inputs_on_axis(self, call, rule):
        """The call, reading its inputs along the axes that its rule asks."""
        node = call.node
        axes = rule.input_axes(call, self._axes_at_hand(call))
        if call.weights:
            behind = [
                None if axis is None else axis - len(shape)
                for axis, shape in zip(axes, call.input_shapes, strict=True)
            ]
            self.first.setdefault(id(call.layer), behind)
        wanted = iter(axes)
        node.args, node.kwargs = keras.tree.map_structure(
            lambda leaf: (
                Ref(self._on_axis(leaf.tensor, next(wanted)))
                if isinstance(leaf, Ref)
                else leaf
            ),
            (node.args, node.kwargs),
        )
        return call

    def _axes_at_hand(self, call):
        """Axes of the inputs so far, or those of an earlier call's inputs.

        All calls of a layer are to be followed along the same axis, since it
        has one set of weights.
        """
        earlier = self.first.get(id(call.layer), ())
        if len(earlier) != len(call.input_shapes):
            return [self.aligned.axes[t] for t in call.node.inputs]
        ranks = [len(shape) for shape in call.input_shapes]
        return [
            None if axis is None or axis + rank < 1 else axis + rank
            for axis, rank in zip(earlier, ranks, strict=True)
        ]

    def _on_axis(self, tensor, axis):
        if self.aligned.axes[tensor] == axis:
            return tensor
        key = (tensor, axis)
        if key not in self.realigned:
            number = len(self.shapes)
            self.shapes[number] = self.shapes[tensor]
            self.realigned[key] = number
            realign = Realign(axis)
            node = Node("realign", realign, (Ref(tensor),), {}, [number], {})
            self._append(self._call(node), find_rule(realign))
        return self.realigned[key]


def _tensors(node):
    return node.inputs, node.outputs


def _rule_of(graph, call):
    """The rule for a call, or why it is a barrier."""
    node = call.node
    rule = find_rule(node.operation)
    if isinstance(rule, Barrier):
        return rule
    if list(refs(node.kwargs)) and not rule.takes_keyword_tensors:
        return Barrier.EXTRA_INPUTS
    if len(node.inputs) > 1 and any(map(graph.has_mask, node.inputs)):
        return Barrier.MASKED
    return rule.barrier(call) or rule
