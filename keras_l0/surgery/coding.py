"""Weights whose values say where they lie, to see where surgery puts them."""

import dataclasses

import numpy as np

from keras_l0.graph import Graph
from keras_l0.graph import named_weights
from keras_l0.graph.record import weight_values

# Flat indices into the weight of the same name; None: all of it, as it is.
Indices = dict[str, np.ndarray] | None


def with_codes(graph: Graph) -> Graph:
    """The graph with a number of its own for each entry of each weight.

    No entry is 0, so that gates alone decide what depends on what, and stays
    constant: weights train, and may be 0 by chance or at their start.

    Args:
        graph: A graph that keeps its gates, each 0 or 1.
    """
    codes: dict[int, dict[str, np.ndarray]] = {}
    nodes = []
    for node in graph.nodes:
        key = id(node.operation)
        if key not in codes:
            codes[key] = _codes(node.weights)
        nodes.append(dataclasses.replace(node, weights=codes[key]))
    for node in nodes:
        if node.gate is not None:
            _close(node.gate, codes)
    return dataclasses.replace(graph, nodes=nodes)


def _codes(weights):
    """Numbers from 1 on, through all weights of a layer."""
    codes, start = {}, 1
    for name, value in weights.items():
        numbers = np.arange(start, start + value.size, dtype="float64")
        codes[name] = numbers.reshape(value.shape)
        start += value.size
    return codes


def _close(scale, codes):
    """Zeros where a closed gate multiplies weights: recurrent ones, heads."""
    wrapper = scale.wrapper
    factors = {
        id(variable): np.asarray(value)
        for variable, value in wrapper.target.factors(scale.gates)
    }
    layer_codes = codes.get(id(wrapper.layer), {})
    for name, variable in named_weights(wrapper.layer).items():
        if id(variable) in factors and name in layer_codes:
            closed = factors[id(variable)] == 0
            layer_codes[name][np.broadcast_to(closed, variable.shape)] = 0


def decode(
    small: dict[str, np.ndarray] | None, codes: dict[str, np.ndarray]
) -> Indices | bool:
    """Where the entries of a smaller layer's weights come from.

    Args:
        small: The weights that a plan gives the smaller layer, made of codes;
            None: the layer's own.
        codes: The codes of the layer.

    Returns:
        indices: One array of flat indices per weight, of the smaller shape;
            None for weights that stay; `False` if an entry is not just one
            entry of the weight of that name.
    """
    if small is None:
        return None
    indices, start = {}, {}
    count = 1
    for name, value in codes.items():
        start[name] = count
        count += value.size
    for name, value in small.items():
        if name not in codes:
            return False
        found = np.asarray(value, "float64") - start[name]
        size = codes[name].size
        whole = found.astype("int64")
        if (whole != found).any() or ((whole < 0) | (whole >= size)).any():
            return False
        seen = np.zeros(size, bool)  # `np.unique` takes a hundred times longer
        seen[whole] = True
        if np.count_nonzero(seen) != whole.size:
            return False
        indices[name] = whole
    return indices


def taken(layer: object, indices: Indices) -> dict[str, np.ndarray]:
    """The present weights of a layer, cut down to `indices`."""
    values = weight_values(layer)
    if indices is None:
        return values
    return {
        name: values[name].reshape(-1)[places]
        for name, places in indices.items()
    }
