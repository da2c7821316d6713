"""Multiplications of depthwise and separable convolutions."""

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import channels
from keras_l0.cost.sizes import positions
from keras_l0.cost.sizes import product


@register_cost_rule(
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    weights={"*": "o"},
)
def depthwise(layer, input_shape, output_shape):
    """Each channel meets `depth_multiplier` kernels of its own."""
    return {"o": _of_channels(layer, input_shape, output_shape)}


def _of_channels(layer, input_shape, output_shape):
    return product(
        positions(output_shape, layer.data_format),
        *layer.kernel_size,
        channels(input_shape, layer.data_format),
        layer.depth_multiplier,
    )


@register_cost_rule(
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    weights={"depthwise_kernel": "i", "pointwise_kernel": "io", "bias": "o"},
)
def separable(layer, input_shape, output_shape):
    """A depthwise convolution, then a product over the channels."""
    first = _of_channels(layer, input_shape, output_shape)
    second = product(
        positions(output_shape, layer.data_format),
        channels(input_shape, layer.data_format),
        layer.depth_multiplier,
        layer.filters,
    )
    return {"i": first, "io": second}
