"""Copies a model layer by layer, looking into none."""

import dataclasses
from collections.abc import Callable

import keras

from keras_l0.graph import Graph
from keras_l0.graph import Scale
from keras_l0.surgery.alignment import AlignedGraph
from keras_l0.surgery.alignment import Realign
from keras_l0.surgery.alignment import align
from keras_l0.surgery.analysis import analyze
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.plan import make_plan
from keras_l0.surgery.rebuild import rebuild

# Operations that are not the model's own, and its inputs.
STRUCTURE = (Scale, Realign, keras.layers.InputLayer)


def opaque(aligned: AlignedGraph) -> AlignedGraph:
    """The graph with no layer to look into, so that all of it is copied."""
    rules = [
        rule if isinstance(call.layer, STRUCTURE) else Barrier.NO_RULE
        for call, rule in zip(aligned.calls, aligned.rules, strict=True)
    ]
    return dataclasses.replace(aligned, rules=rules)


def copy_model(
    graph: Graph,
    name: str,
    wrap: Callable[[str, keras.layers.Layer], keras.layers.Layer],
) -> keras.Model:
    """A copy of a model without gates; nothing is shared with it.

    Args:
        graph: The model.
        name: Name of the copy.
        wrap: Takes the name of a call and the new layer; returns the layer to
            call in its place.

    Returns:
        model: A Functional model.
    """
    aligned = opaque(align(graph))
    plan = make_plan(aligned, analyze(aligned))
    return rebuild(plan, graph, name, lambda call, la: wrap(call.node.name, la))
