"""Multiplications of recurrent layers."""

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import product


@register_cost_rule(
    keras.layers.SimpleRNN,
    keras.layers.GRU,
    keras.layers.LSTM,
    weights={"kernel": "io", "recurrent_kernel": "oo", "bias": "o"},
)
def recurrent(layer, input_shape, output_shape):
    """At every step inputs and state meet the kernels of all gates."""
    gates = layer.cell.recurrent_kernel.shape[-1]
    return {
        "io": product(input_shape[1], input_shape[-1], gates),
        "oo": product(input_shape[1], layer.units, gates),
    }
