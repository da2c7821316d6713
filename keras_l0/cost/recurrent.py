"""Multiplications of recurrent layers."""

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import product


@register_cost_rule(keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM)
def recurrent(layer, input_shape, output_shape):
    """At every step inputs and state meet the kernels of all gates."""
    gates = layer.cell.recurrent_kernel.shape[-1]
    inputs = product(input_shape[-1], gates)
    state = product(layer.units, gates)
    return product(input_shape[1], inputs and inputs + state)
