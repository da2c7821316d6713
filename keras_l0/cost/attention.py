"""Multiplications of attention layers."""

import math

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import product


@register_cost_rule(
    keras.layers.MultiHeadAttention, keras.layers.GroupQueryAttention
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
    at_queries = sum(map(math.prod, (query, *gates, output)))
    at_keys = math.prod(key) + math.prod(value)
    pairs = query[1] * (query[2] + value[2])
    axes = getattr(layer, "attention_axes", None)
    if axes is not None and len(axes) != len(input_shape) - 2:
        return None  # it does not join all pairs of steps
    return queries * at_queries + keys * at_keys + queries * keys * pairs
