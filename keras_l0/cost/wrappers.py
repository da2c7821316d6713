"""Multiplications of layers that run another layer."""

import collections

import keras

from keras_l0.cost.registry import cost_rule
from keras_l0.cost.registry import layer_macs
from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.registry import weight_axes
from keras_l0.cost.sizes import product
from keras_l0.graph import named_weights


def _inner_weights(wrapper):
    """Those of the inner layer, by the names they have in the wrapper."""
    return weight_axes(wrapper.layer)


@register_cost_rule(keras.layers.TimeDistributed, weights=_inner_weights)
def time_distributed(layer, input_shape, output_shape):
    """The inner layer, once per step."""
    if cost_rule(layer.layer) is None:
        return None if layer.layer.weights else 0
    step = (input_shape[0], *input_shape[2:])
    macs = layer_macs(layer.layer, step, (output_shape[0], *output_shape[2:]))
    if macs is None:
        return None
    return {axes: product(input_shape[1], n) for axes, n in macs.items()}


@register_cost_rule(keras.layers.SpectralNormalization, weights=_inner_weights)
def spectral_normalization(layer, input_shape, output_shape):
    """The inner layer: its kernel is normalized while training only."""
    return layer_macs(layer.layer, input_shape, output_shape)


def _weights_of_both(wrapper):
    """Names are counted, as both layers have the same."""
    axes = weight_axes(wrapper.forward_layer)
    names = named_weights(wrapper)
    return {name: axes.get(name.partition(":")[0], "") for name in names}


@register_cost_rule(keras.layers.Bidirectional, weights=_weights_of_both)
def bidirectional(layer, input_shape, output_shape):
    """Both layers; merging multiplies nothing with a kernel."""
    total: collections.Counter = collections.Counter()
    for inner in (layer.forward_layer, layer.backward_layer):
        macs = layer_macs(inner, input_shape, output_shape)
        if macs is None:
            return None
        total.update(macs)
    return dict(total)
