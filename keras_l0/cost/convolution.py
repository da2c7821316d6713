"""Multiplications of convolutions and their transposes.

The kernel is counted at every position of the output (of the input, for a
transpose), those included where part of it meets padding or is cropped.
"""

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import channels
from keras_l0.cost.sizes import positions
from keras_l0.cost.sizes import product

_WEIGHTS = {"kernel": "io", "bias": "o"}


@register_cost_rule(
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    weights=_WEIGHTS,
)
def convolution(layer, input_shape, output_shape):
    """Each group of filters sees its share of the input channels."""
    macs = product(
        positions(output_shape, layer.data_format),
        *layer.kernel_size,
        channels(input_shape, layer.data_format) // layer.groups,
        layer.filters,
    )
    return {"io": macs}


@register_cost_rule(
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    weights=_WEIGHTS,
)
def convolution_transpose(layer, input_shape, output_shape):
    """Every input position is spread over the output by the whole kernel."""
    macs = product(
        positions(input_shape, layer.data_format),
        *layer.kernel_size,
        channels(input_shape, layer.data_format),
        layer.filters,
    )
    return {"io": macs}
