"""What the smaller model is made of: plain data, before anything is built."""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_l0.surgery.alignment import AlignedGraph
from keras_l0.surgery.analysis import Analysis
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import known_class
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.selection import Adapter
from keras_l0.surgery.selection import Selection


@dataclasses.dataclass(frozen=True)
class Plan:
    """How to build the smaller model.

    Attributes:
        calls, steps: The calls that remain, in order, and what stands in
            place of each.
        outputs: Model outputs, with a pair (tensor number, adapter) for each
            tensor.
    """

    calls: list[Call]
    steps: list[Step]
    outputs: Any


def make_plan(graph: AlignedGraph, analysis: Analysis) -> Plan:
    """Plans the smaller model."""
    selections: dict[int, Selection] = {}
    plan = Plan([], [], {})
    for index, call in enumerate(graph.calls):
        rule = graph.rules[index]
        channels = [analysis.channels[t] for t in call.node.outputs]
        kept = [analysis.kept[t] for t in call.node.outputs]
        is_input = isinstance(call.layer, keras.layers.InputLayer)
        if is_input or any(part.any() for part in kept):
            inputs = [selections[t] for t in call.node.inputs]
            if isinstance(rule, Barrier):
                step = _copy(inputs, channels)
            else:
                if len(graph.sharing.group(index)) > 1:
                    known = graph.inputs(index, analysis.channels)
                    inputs = [
                        x.shared(c) for x, c in zip(inputs, known, strict=True)
                    ]
                step = rule.plan(call, inputs, channels, kept)
                step.layer_class = known_class(call.layer)
            plan.calls.append(call)
            plan.steps.append(step)
            results = [selection.settled() for selection in step.selections]
            _check(call, results, kept)
        else:
            results = [
                Selection.of(c, k) for c, k in zip(channels, kept, strict=True)
            ]
        selections.update(zip(call.node.outputs, results, strict=True))
    return dataclasses.replace(plan, outputs=_outputs(graph, selections))


def _check(call, selections, kept):
    """A channel that somebody needs is known, or it is there."""
    for selection, part in zip(selections, kept, strict=True):
        missing = part & ~selection.channels.known & (selection.position < 0)
        if missing.any():
            raise RuntimeError(
                f"The strip rule of {call.node.type_name} loses channels of "
                f"'{call.node.name}' that are needed: its `forward` does not "
                "know them, and its `plan` leaves them out."
            )


def _copy(inputs, channels):
    """A barrier: the call as it was, on the tensors as they were."""
    adapters = {i: x.adapt_all() for i, x in enumerate(inputs)}
    whole = [Selection.of(c, np.ones(c.size, bool)) for c in channels]
    return Step(adapters, whole)


def _outputs(graph, selections) -> Any:
    """Model outputs keep their shape."""

    def whole(ref) -> "Output":
        return Output(ref.tensor, selections[ref.tensor].adapt_all())

    return keras.tree.map_structure(whole, graph.outputs)


@dataclasses.dataclass(frozen=True)
class Output:
    """A model output: a tensor and what it is turned into."""

    tensor: int
    adapter: Adapter
