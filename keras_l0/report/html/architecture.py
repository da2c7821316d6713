"""The layers of a network with their units, before and after stripping."""

import dataclasses
import math
from collections.abc import Mapping

import keras

from keras_l0.graph import read_graph
from keras_l0.internal import validation


@dataclasses.dataclass(frozen=True)
class LayerUnits:
    """One layer before and after; None where it does not exist.

    Attributes:
        name: String.
        kind: String, its class; empty if unknown.
        before, after: Integers, its units.
        params_before, params_after: Integers, its weights; None if unknown.
    """

    name: str
    kind: str = ""
    before: int | None = None
    after: int | None = None
    params_before: int | None = None
    params_after: int | None = None


def layers_of(name: str, model: object) -> list[LayerUnits]:
    """The layers with weights of one network, normalizations left out.

    Args:
        name: Name of the caller's argument, for messages.
        model: A built Sequential or Functional model, or a mapping from the
            name of each layer to its number of units.

    Returns:
        layers: `LayerUnits` of which `before` is set.

    Raises:
        TypeError: if `model` is neither.
        ValueError: if the model has no graph, or a number is negative.
    """
    if isinstance(model, Mapping):
        return [
            LayerUnits(
                str(layer),
                before=validation.check_integer(f"{name}[{layer!r}]", units, 0),
            )
            for layer, units in model.items()
        ]
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"`{name}` must be a `keras.Model` or a mapping from layers to "
            f"units. Received: {name}={model!r} ({type(model).__name__})"
        )
    return _layers_with_weights(read_graph(model))


def side_by_side(
    before: list[LayerUnits], after: list[LayerUnits]
) -> list[LayerUnits]:
    """Layers of two networks, matched by name.

    Networks with other names, but with the same classes in the same order, are
    matched by position.

    Args:
        before: What `layers_of` found in the first.
        after: What it found in the second.

    Returns:
        layers: Those of the first in order, then what only the second has.
    """
    names = [_flat(layer.name) for layer in before]
    found = {_flat(layer.name): layer for layer in after}
    if {*names} != {*found} and _kinds(before) == _kinds(after):
        found = dict(zip(names, after, strict=True))
    rows = []
    for name, layer in zip(names, before, strict=True):
        known = layer.params_before is not None
        gone = LayerUnits("", before=0, params_before=0 if known else None)
        other = found.pop(name, gone)
        rows.append(
            dataclasses.replace(
                layer, after=other.before, params_after=other.params_before
            )
        )
    new = [
        dataclasses.replace(
            layer,
            before=None,
            after=layer.before,
            params_before=None,
            params_after=layer.params_before,
        )
        for layer in found.values()
    ]
    return [*rows, *new]


def _kinds(layers):
    """Classes in their order; equal to nothing else if they are not known."""
    return [layer.kind or object() for layer in layers]


def _layers_with_weights(graph):
    rows, seen = [], set()
    for node in graph.nodes:
        layer = node.operation
        weights = getattr(layer, "weights", ())
        normalizes = "Normalization" in node.type_name
        if not weights or normalizes or id(layer) in seen:
            continue
        seen.add(id(layer))
        shape = graph.shape(node.outputs[0])
        first = getattr(layer, "data_format", None) == "channels_first"
        units = shape[1] if first and len(shape) > 2 else shape[-1]
        params = sum(math.prod(weight.shape) for weight in weights)
        rows.append(
            LayerUnits(
                node.name, node.type_name, units or 0, params_before=params
            )
        )
    return rows


def _flat(name):
    """Nested models are opened by stripping, and their names with them."""
    return name.replace("/", "_")
