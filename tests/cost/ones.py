"""Counts multiplications by running a layer on ones: an oracle for the rules.

With inputs and kernel of ones and no bias, each product adds 1 to an output,
so that the outputs of a linear layer sum to its number of multiplications.
"""

import keras
import numpy as np

from keras_l0.cost import registry


def products(layer: keras.layers.Layer, input_shape: tuple) -> int:
    """Multiplications of `layer` for one example of shape `input_shape`."""
    layer.build((1, *input_shape))
    for variable in layer.weights:
        variable.assign(keras.ops.full(variable.shape, variable.ndim > 1))
    outputs = layer(np.ones((1, *input_shape), "float32"))
    return int(np.sum(keras.ops.convert_to_numpy(outputs), dtype="float64"))


def macs(
    layer: keras.layers.Layer, input_shape: tuple, output_shape: tuple
) -> int | None:
    """Multiplications that the layer's rule counts."""
    found = registry.layer_macs(layer, input_shape, output_shape)
    return None if found is None else sum(found.values())
