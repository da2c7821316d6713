"""Which of a layer's weights one gate stands for.

The penalty of a gate is proportional to the number of weights that vanish
with its unit. One entry per layer class says in which variables, and along
which axes, the units are found; the class is looked up by its MRO. A layer
without an entry, or without weights (an activation), counts one weight per
gate.
"""

import math

import keras
import tensorflow as tf
from keras import layers
from keras import ops

# on -> {name of the variable: axis, or axes, that hold the gated units}
_DENSE = {"outputs": {"kernel": -1, "bias": -1}, "inputs": {"kernel": 0}}
_CONV = {"outputs": {"kernel": -1, "bias": -1}, "inputs": {"kernel": -2}}
_CONV_TRANSPOSE = {
    "outputs": {"kernel": -2, "bias": -1},
    "inputs": {"kernel": -1},
}
_DEPTHWISE = {
    "outputs": {"kernel": (-2, -1), "bias": -1},
    "inputs": {"kernel": -2},
}
_SEPARABLE = {
    "outputs": {"pointwise_kernel": -1, "bias": -1},
    "inputs": {"depthwise_kernel": -2, "pointwise_kernel": -2},
}
_SCALE = {"gamma": -1, "beta": -1}
_ENTRIES = {
    layers.Dense: _DENSE,
    layers.Conv1D: _CONV,
    layers.Conv2D: _CONV,
    layers.Conv3D: _CONV,
    layers.Conv1DTranspose: _CONV_TRANSPOSE,
    layers.Conv2DTranspose: _CONV_TRANSPOSE,
    layers.Conv3DTranspose: _CONV_TRANSPOSE,
    layers.DepthwiseConv1D: _DEPTHWISE,
    layers.DepthwiseConv2D: _DEPTHWISE,
    layers.SeparableConv1D: _SEPARABLE,
    layers.SeparableConv2D: _SEPARABLE,
    layers.Embedding: {"outputs": {"embeddings": -1}, "inputs": {}},
    layers.BatchNormalization: {"outputs": _SCALE, "inputs": _SCALE},
}


_LINEAR_MAPS = (
    layers.Dense,
    layers.EinsumDense,
    *(c for c, entry in _ENTRIES.items() if entry is _CONV),
    *(c for c, entry in _ENTRIES.items() if entry is _CONV_TRANSPOSE),
    *(c for c, entry in _ENTRIES.items() if entry is _DEPTHWISE),
)


def _einsum_entry(layer: layers.EinsumDense, on: str) -> dict:
    """EinsumDense: the last letter of its input or output names the axis."""
    inputs, kernel = layer.equation.split("->")[0].split(",")
    letter = (inputs if on == "inputs" else layer.equation)[-1]
    entry = {"kernel": kernel.index(letter)} if letter in kernel else {}
    if on == "outputs" and letter in (layer.bias_axes or ""):
        entry["bias"] = -1
    return entry


def is_linear_map(layer: keras.layers.Layer) -> bool:
    """Whether `layer` is known to be its activation of `x @ kernel + bias`.

    A subclass with a `call` of its own, or a kernel that is quantized or
    adapted by LoRA, is not.
    """
    known = next((c for c in _LINEAR_MAPS if isinstance(layer, c)), None)
    return (
        known is not None
        and type(layer).call is known.call
        and getattr(layer, "quantization_mode", None) is None
        and not getattr(layer, "lora_enabled", False)
    )


def feature_axis(layer: keras.layers.Layer, rank: int) -> int:
    """Axis of `layer`'s input and output that holds its features."""
    if isinstance(layer, layers.BatchNormalization):
        return layer.axis % rank
    channels_first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if channels_first else rank - 1


def members(layer: keras.layers.Layer, on: str) -> list[tuple]:
    """`(variable, axes)` for each variable that holds parts of the units."""
    variables = {variable.name: variable for variable in layer.weights}
    if isinstance(layer, layers.EinsumDense):
        entry = _einsum_entry(layer, on)
    else:
        found = [_ENTRIES[c] for c in type(layer).__mro__ if c in _ENTRIES]
        entry = found[0][on] if found else {}
    return [
        (variables[name], axes)
        for name, axes in entry.items()
        if name in variables
    ]


def group_size(layer: keras.layers.Layer, on: str, num_gates: int) -> float:
    """Number of weights of `layer` that each gate stands for, at least 1."""
    sizes = [math.prod(variable.shape) for variable, _ in members(layer, on)]
    return max(sum(sizes) / num_gates, 1.0)


def squared_norms(
    layer: keras.layers.Layer, on: str, num_gates: int
) -> tf.Tensor:
    """Sum of the squared weights of each gate's group, float32 `[num_gates]`.

    Raises:
        ValueError: if the groups do not lie along one axis of the weights
            (the inputs of a grouped convolution), or there are no weights.
    """
    found = members(layer, on)
    if not found:
        raise ValueError(
            "`l2` needs a layer whose weights belong to the gated units. "
            f"Received: layer='{layer.name}' ({type(layer).__name__}), "
            f"on={on!r}"
        )
    return sum(_sums(variable, axes, num_gates) for variable, axes in found)


def _sums(variable, axes, num_gates):
    axes = axes if isinstance(axes, tuple) else (axes,)
    if math.prod(variable.shape[axis] for axis in axes) % num_gates:
        raise ValueError(
            "`l2` is not available here: the weights of one input of a "
            "grouped convolution do not lie along one axis of the kernel."
        )
    squares = ops.square(ops.cast(variable, "float32"))
    rows = ops.moveaxis(squares, axes, tuple(range(len(axes))))
    return ops.sum(ops.reshape(rows, (num_gates, -1)), axis=1)
