"""Which of a layer's weights one gate stands for.

The penalty of a gate is proportional to the number of weights that vanish
with its unit. One entry per layer class says in which variables, and along
which axes, the units are found; the class is looked up by its MRO. A layer
without an entry, or without weights (an activation), counts one weight per
gate.
"""

import dataclasses
import math

import keras
import tensorflow as tf
from keras import layers
from keras import ops

from keras_l0.internal import keras_internals


@dataclasses.dataclass(frozen=True)
class Blocks:
    """The units lie along an axis once in each of several equal blocks.

    The last axis of an LSTM's kernel holds all input gates, then all forget
    gates, and so on.

    Attributes:
        axis: The axis.
        part, parts: The variable holds the units of one part of the gates:
            the second of two for the way back of a Bidirectional.
    """

    axis: int
    part: int = 0
    parts: int = 1


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
_RECURRENT = {
    "outputs": {
        "kernel": Blocks(-1),
        "recurrent_kernel": Blocks(-1),
        "bias": Blocks(-1),
    },
    "inputs": {"kernel": 0},
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
    layers.SimpleRNN: _RECURRENT,
    layers.GRU: _RECURRENT,
    layers.LSTM: _RECURRENT,
    layers.Embedding: {"outputs": {"embeddings": -1}, "inputs": {}},
    layers.BatchNormalization: {"outputs": _SCALE, "inputs": _SCALE},
    layers.PReLU: {"outputs": {"alpha": -1}, "inputs": {"alpha": -1}},
}


_LINEAR_MAPS = (
    layers.Dense,
    layers.EinsumDense,
    *(c for c, entry in _ENTRIES.items() if entry is _CONV),
    *(c for c, entry in _ENTRIES.items() if entry is _CONV_TRANSPOSE),
    *(c for c, entry in _ENTRIES.items() if entry is _DEPTHWISE),
)


def _einsum_entry(layer: layers.EinsumDense, on: str, axis: int) -> dict:
    """EinsumDense: a letter of its equation names the axis, counted back."""
    left, output = layer.equation.split("->")
    inputs, kernel = left.split(",")
    letters = inputs if on == "inputs" else output
    letter = letters[axis] if -axis <= len(letters) else "."
    entry = {"kernel": kernel.index(letter)} if letter in kernel else {}
    if entry and on == "outputs" and letter in (layer.bias_axes or ""):
        entry["bias"] = axis
    return entry


def _table_entry(layer: keras.layers.Layer, on: str) -> dict:
    found = [_ENTRIES[c] for c in type(layer).__mro__ if c in _ENTRIES]
    return found[0][on] if found else {}


def is_linear_map(layer: keras.layers.Layer) -> bool:
    """Whether `layer` is known to be its activation of `x @ kernel + bias`.

    A subclass may do something else. So does a kernel that is quantized or
    adapted by LoRA, and a regularizer that sees the output.
    """
    return (
        type(layer) in _LINEAR_MAPS
        and layer.activity_regularizer is None
        and layer.quantization_mode is None
        and not getattr(layer, "lora_enabled", False)
    )


def is_scale(layer: keras.layers.Layer) -> bool:
    """Whether `layer` is known to be `x_hat * gamma + beta` of its units.

    Either may be missing. A subclass may do something else, and a regularizer
    sees the output.
    """
    plain = type(layer) is layers.BatchNormalization
    return plain and layer.activity_regularizer is None


def _feature_axis(layer: keras.layers.Layer, rank: int) -> int:
    """Axis of `layer`'s input and output that holds its features."""
    if isinstance(layer, layers.BatchNormalization):
        return layer.axis % rank
    channels_first = getattr(layer, "data_format", None) == "channels_first"
    return 1 if channels_first else rank - 1


def members(
    layer: keras.layers.Layer, on: str, axis: int, rank: int
) -> list[tuple]:
    """`(variable, axes)` for each variable that holds parts of the units.

    Args:
        layer: The gated layer; a wrapper stands for what it wraps.
        on: `"outputs"` or `"inputs"`.
        axis: The gated axis of the layer's output or input, from the front.
        rank: Rank of that tensor.
    """
    if isinstance(layer, layers.TimeDistributed):
        return members(layer.layer, on, axis - 1, rank - 1)
    if isinstance(layer, layers.Wrapper):
        return members(layer.layer, on, axis, rank)
    if isinstance(layer, layers.Bidirectional):
        return _both_ways(layer, on, axis, rank)
    if isinstance(layer, layers.EinsumDense):
        entry = _einsum_entry(layer, on, axis - rank)
    else:
        on_features = axis == _feature_axis(layer, rank)
        entry = _table_entry(layer, on) if on_features else {}
    variables = {variable.name: variable for variable in layer.weights}
    return [
        (variables[name], axes)
        for name, axes in entry.items()
        if name in variables
    ]


def _both_ways(layer, on, axis, rank):
    """The parts of both layers; `concat` lines their units up."""
    groups = [
        members(inner, on, axis, rank)
        for inner in (layer.forward_layer, layer.backward_layer)
    ]
    if on == "outputs" and layer.merge_mode == "concat":
        groups = [
            [(variable, Blocks(b.axis, part, 2)) for variable, b in group]
            for part, group in enumerate(groups)
        ]
    return [pair for group in groups for pair in group]


def state_kernels(layer: keras.layers.Layer) -> list[tuple]:
    """`(recurrent kernel, Blocks)` of a layer that reads its own outputs.

    The blocks say which part of the gates belongs to the kernel's rows.
    """
    if isinstance(layer, layers.Bidirectional):
        both = layer.forward_layer, layer.backward_layer
        kernels = [pair for inner in both for pair in state_kernels(inner)]
        if layer.merge_mode == "concat":
            kernels = [
                (kernel, Blocks(0, part, 2))
                for part, (kernel, _) in enumerate(kernels)
            ]
        return kernels
    if isinstance(layer, layers.SimpleRNN | layers.GRU | layers.LSTM):
        return [(layer.cell.recurrent_kernel, Blocks(0))]
    return []


def heads(layer: keras.layers.Layer) -> list[tuple]:
    """`(variable, axis)` for each variable of an attention layer with heads.

    The last one is the kernel that joins the heads; its bias is of no head.
    Empty if this is not an attention layer, or its kernels are not its own.
    """
    if not isinstance(
        layer, layers.MultiHeadAttention | layers.GroupQueryAttention
    ):
        return []
    names = [weight.name for weight in layer.weights]
    if set(names) - {"kernel", "bias"} or names.count("kernel") < 4:
        return []
    last = len(names) - 1 - names[::-1].index("kernel")
    axes = {"kernel": 1, "bias": 0}
    split = [(weight, axes[weight.name]) for weight in layer.weights[:last]]
    return [*split, (layer.weights[last], 0)]


def group_size(groups: list[tuple], num_gates: int) -> float:
    """Number of weights that each gate stands for, at least 1."""
    sizes = [math.prod(variable.shape) for variable, _ in groups]
    return max(sum(sizes) / num_gates, 1.0)


def squared_norms(groups: list[tuple], num_gates: int) -> tf.Tensor:
    """Sum of the squared weights of each gate's group, float32 `[num_gates]`.

    Raises:
        ValueError: if the groups do not lie along one axis of the weights
            (the inputs of a grouped convolution).
    """
    return sum(_sums(variable, axes, num_gates) for variable, axes in groups)


def _sums(variable, axes, num_gates):
    if isinstance(axes, Blocks):
        return _sums_of_blocks(variable, axes, num_gates // axes.parts)
    axes = axes if isinstance(axes, tuple) else (axes,)
    if math.prod(variable.shape[axis] for axis in axes) % num_gates:
        raise ValueError(
            "`l2` is not available here: the weights of one input of a "
            "grouped convolution do not lie along one axis of its kernel. "
            f"Received: kernel.shape={tuple(variable.shape)}"
        )
    squares = ops.square(keras_internals.full_precision(variable))
    rows = ops.moveaxis(squares, axes, tuple(range(len(axes))))
    return ops.sum(ops.reshape(rows, (num_gates, -1)), axis=1)


def _sums_of_blocks(variable, blocks, units):
    squares = ops.square(keras_internals.full_precision(variable))
    rows = ops.moveaxis(squares, blocks.axis, 0)
    rows = ops.reshape(rows, (rows.shape[0] // units, units, -1))
    before = blocks.part * units
    after = (blocks.parts - 1) * units - before
    return ops.pad(ops.sum(rows, axis=(0, 2)), ((before, after),))


def squared_norms_of_heads(groups: list[tuple], num_gates: int) -> tf.Tensor:
    """As `squared_norms`, for `heads`.

    Query heads share the weights of a key and value head in equal parts.
    """
    total = ops.zeros((num_gates,), "float32")
    for variable, axis in groups:
        size = variable.shape[axis]
        share = _sums(variable, axis, size) * (size / num_gates)
        total += ops.repeat(share, num_gates // size)
    return total
