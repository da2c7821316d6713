"""Multiplications of attention layers."""

import math

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import product
from keras_l0.graph import named_weights

_AXES = {"kernel": ("ih", "vh", "vh", "ho"), "bias": ("h", "h", "h", "o")}


def _weights(layer):
    """Those of the query, the keys, the values and the output, in turn."""
    axes = {kind: iter(axes) for kind, axes in _AXES.items()}
    found = {}
    for name in named_weights(layer):
        found[name] = next(axes.get(name.partition(":")[0], iter(())), "")
    return found


@register_cost_rule(
    keras.layers.MultiHeadAttention,
    keras.layers.GroupQueryAttention,
    weights=_weights,
)
def attention(layer, input_shape, output_shape):
    """The projections at each step, and each query on each key and value.

    Every pair of steps is counted, those behind a mask included.
    """
    shapes = layer.get_build_config()["shapes_dict"]
    queries = product(*input_shape[1:-1])
    keys = product(*shapes["value_shape"][1:-1])
    # A gate of the layer itself stands between those of key and value.
    query, key, *gates, value, output = (
        weight.shape for weight in layer.weights if len(weight.shape) > 2
    )
    if None in (queries, keys):
        return None
    pairs = query[1] * (query[2] + value[2])
    axes = getattr(layer, "attention_axes", None)
    if axes is not None and len(axes) != len(input_shape) - 2:
        return None  # it does not join all pairs of steps
    return {
        "ih": queries * sum(map(math.prod, (query, *gates))),
        "vh": keys * (math.prod(key) + math.prod(value)),
        "ho": queries * math.prod(output),
        "h": queries * keys * pairs,
    }
