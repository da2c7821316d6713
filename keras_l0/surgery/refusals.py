"""What strip_gates refuses, because the result would not be the same model."""

from inspect import signature

import keras

from keras_l0.graph import Graph
from keras_l0.graph import refs
from keras_l0.internal import keras_internals
from keras_l0.surgery.alignment import align
from keras_l0.surgery.analysis import Analysis
from keras_l0.surgery.analysis import analyze

# Layers that look for masks on their inputs, not among their arguments.
_MERGE_BY_MASKS = (keras.layers.Maximum, keras.layers.Minimum)


def refuse_implicit_masks(graph: Graph) -> None:
    """Masks that no argument carries are lost where channels are put in."""
    for node in graph.nodes:
        if _finds_masks(graph, node) or _returns_mask(node.operation):
            raise ValueError(
                f"Layer '{node.name}' ({node.type_name}) finds a mask on its "
                "inputs rather than among its arguments, or is a model that "
                "returns one. A smaller model could not hand this mask on. "
                "Pass it as `mask=`, or leave it out."
            )


def _finds_masks(graph, node):
    """Whether a layer uses masks that the graph does not show.

    Keras fills in the arguments `mask` and `x_mask` (for an argument `x`)
    where it meets a mask, but not behind a change of the type.
    """
    layer = node.operation
    if not isinstance(layer, keras.layers.Layer):
        return False
    given = signature(layer.call).parameters
    names = {"mask", *(f"{name}_mask" for name in given)} & set(given)
    shown = list(refs([node.kwargs.get(name) for name in names]))
    uses = isinstance(layer, _MERGE_BY_MASKS) or (names and not shown)
    return bool(uses) and any(map(graph.has_mask, node.inputs))


def _returns_mask(operation):
    if not isinstance(operation, keras.Model):
        return False
    outputs = getattr(operation, "outputs", ())
    return any(map(keras_internals.has_mask, outputs))


def refuse_chains(graph: Graph) -> None:
    """A chain of dependent gates would start anew in a new model."""
    for node in graph.nodes:
        if node.gate is None:
            continue
        gate = node.gate.wrapper.gate_vector.gate
        if gate.chained:
            raise ValueError(
                "`keep_gates` needs gates of units that are trained one by "
                f"one. Received: '{node.name}' with {type(gate).__name__} gates"
            )


def refuse_dead_ends(graph: Graph, analysis: Analysis) -> None:
    """An output that gates have cut from the inputs is nobody's wish."""
    constant = _constant_outputs(graph, analysis)
    if not constant:
        return
    opened = analyze(align(graph.opened()))
    if constant <= _constant_outputs(graph, opened):
        return  # they never depended on an input
    closed = [name for name, z in graph.gates.items() if not z.any()]
    some = [name for name, z in graph.gates.items() if not z.all()]
    what = "All" if closed else "Together, too many"
    raise ValueError(
        f"{what} units of {', '.join(map(repr, closed or some))} are closed; "
        "stripping would cut the model between its inputs and its outputs. "
        "Lower `l0`, or train from a lower `drop_rate`."
    )


def _constant_outputs(graph, analysis):
    return {
        tensor
        for tensor in graph.output_tensors()
        if analysis.channels[tensor].known.all()
    }
