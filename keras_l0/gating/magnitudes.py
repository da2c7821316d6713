"""How large the weights are that make each unit of a layer."""

import keras
import numpy as np
from keras import layers

_TRANSPOSED = (
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)
_ATTENTION = (layers.MultiHeadAttention, layers.GroupQueryAttention)


def unit_magnitudes(layer: keras.layers.Layer, units: int) -> np.ndarray | None:
    """L2 norm of the kernels that make each unit, as magnitude pruning has it.

    Heads of attention are measured by what they write.

    Args:
        layer: A built layer.
        units: How many units, or heads, it has.

    Returns:
        norms: Float `[units]`; None if no kernel ends with an axis of units.
    """
    if isinstance(layer, layers.Bidirectional):
        return _both_ways(layer, units)
    kernels = [w.numpy() for w in layer.weights if len(w.shape) > 1]
    if isinstance(layer, _ATTENTION):
        output = [kernel for kernel in kernels if kernel.ndim > 2][-1]
        kernels = [np.moveaxis(output, 0, -1)]
    if isinstance(layer, _TRANSPOSED):
        kernels = [np.moveaxis(kernel, -2, -1) for kernel in kernels]
    if isinstance(layer, layers.EinsumDense) and not _ends_with_units(layer):
        return None
    # The kernels of a recurrent layer hold one block of units per gate.
    squares = [
        np.square(kernel, dtype="float64").reshape(-1, units).sum(0)
        for kernel in kernels
        if kernel.shape[-1] % units == 0
    ]
    return np.sqrt(np.sum(squares, 0)) if squares else None


def _ends_with_units(layer):
    inputs, output = layer.equation.replace(" ", "").split("->")
    return inputs[-1] == output[-1]


def _both_ways(layer, units):
    ways = [layer.forward_layer, layer.backward_layer]
    joined = layer.merge_mode == "concat"
    norms = [
        unit_magnitudes(way, units // 2 if joined else units) for way in ways
    ]
    return np.concatenate(norms) if joined else np.hypot(*norms)
