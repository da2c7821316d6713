"""Multiplications of Dense and EinsumDense."""

import keras

from keras_l0.cost.registry import register_cost_rule
from keras_l0.cost.sizes import product

_WEIGHTS = {"kernel": "io", "bias": "o"}


@register_cost_rule(keras.layers.Dense, weights=_WEIGHTS)
def dense(layer, input_shape, output_shape):
    """The kernel, once at every position in front of the last axis."""
    return {"io": product(*input_shape[1:], output_shape[-1])}


@register_cost_rule(keras.layers.EinsumDense, weights=_WEIGHTS)
def einsum_dense(layer, input_shape, output_shape):
    """One multiplication for each combination of the equation's indices."""
    operands = layer.equation.split("->")[0]
    inputs, kernel = operands.split(",")
    labels = _labels(inputs, len(input_shape))
    sizes = dict(zip(labels, input_shape, strict=True))
    del sizes[next(iter(sizes))]  # the batch axis
    sizes.update(zip(kernel, layer.kernel.shape, strict=True))
    return {"io": product(*sizes.values())}


def _labels(operand, rank):
    """A label for each axis, those that `...` stands for included."""
    head, dots, tail = operand.partition("...")
    hidden = range(rank - len(head) - len(tail)) if dots else ()
    return [*head, *hidden, *tail]
