"""Multiplications of layers that run another layer."""

import keras

from keras_l0.cost.registry import cost_rule
from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import product


@register_cost_rule(keras.layers.TimeDistributed)
def time_distributed(layer, input_shape, output_shape):
    """The inner layer, once per step."""
    rule = cost_rule(layer.layer)
    if rule is None:
        return None if layer.layer.weights else 0
    step = (input_shape[0], *input_shape[2:])
    return product(
        input_shape[1],
        rule(layer.layer, step, (output_shape[0], *output_shape[2:])),
    )


@register_cost_rule(keras.layers.SpectralNormalization)
def spectral_normalization(layer, input_shape, output_shape):
    """The inner layer: its kernel is normalized while training only."""
    rule = cost_rule(layer.layer)
    return rule and rule(layer.layer, input_shape, output_shape)


@register_cost_rule(keras.layers.Bidirectional)
def bidirectional(layer, input_shape, output_shape):
    """Both layers; merging multiplies nothing with a kernel."""
    both = layer.forward_layer, layer.backward_layer
    rules = [cost_rule(inner) for inner in both]
    if None in rules:
        return None
    costs = [
        rule(inner, input_shape, output_shape)
        for rule, inner in zip(rules, both, strict=True)
    ]
    return None if None in costs else sum(costs)
