"""Counts the parameters and multiplications of a network."""

import dataclasses
import math

import keras
import tensorflow as tf

from keras_l0.cost.registry import cost_rule
from keras_l0.cost.registry import layer_macs
from keras_l0.graph import Graph
from keras_l0.graph import read_graph

# Operations without weights that multiply tensors with each other.
_PRODUCTS = frozenset(
    {
        "AdditiveAttention",
        "Attention",
        "Conv",
        "ConvTranspose",
        "DepthwiseConv",
        "Dot",
        "DotProductAttention",
        "Einsum",
        "Inner",
        "Matmul",
        "SeparableConv",
        "Tensordot",
        "Vdot",
    }
)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Size of a network.

    Attributes:
        params: Integer, number of weights, trainable or not, without gates:
            what `keras.Model.count_params` says of the network without them.
        macs: Integer, multiply-accumulates of kernels for one example.
        bytes: Integer, size of the weights in the types that they are kept in.
        uncounted: Names of the layers and operations whose multiplications
            are not in `macs`: there is no rule for them, or a size is open.

    Example:

    >>> print(keras_l0.cost.Cost(10, macs=8, bytes=40, uncounted=("lstm",)))
    10 parameters, 8 MACs (without those of: lstm)
    """

    params: int
    macs: int
    bytes: int
    uncounted: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{self.params:,} parameters, {self.macs:,} MACs"
        if self.uncounted:
            text += f" (without those of: {', '.join(self.uncounted)})"
        return text


def count(model: keras.Model) -> Cost:
    """Counts the weights and multiplications of a model.

    Multiplications are those of kernels: biases, normalization, activations
    and pooling are not counted. A convolution counts its kernel at every
    position of its output, padding included. A layer that is called twice
    multiplies twice and has its weights once. Gates are left out: a gated
    model counts as the network that it gates, all units in place.

    Args:
        model: A built Sequential or Functional model, gated or not.

    Returns:
        cost: A `Cost`.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model has no graph, or is not built.

    Example:

    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> keras_l0.cost.count(model)
    Cost(params=10, macs=8, bytes=40, uncounted=())
    """
    return count_graph(read_graph(model))


def count_graph(graph: Graph) -> Cost:
    """`count` of a model that has been read."""
    macs, uncounted, weights = 0, [], {}
    for node in graph.nodes:
        for variable in getattr(node.operation, "weights", ()):
            weights[id(variable)] = variable
        counted = operation_macs(
            node.operation,
            [graph.shape(tensor) for tensor in node.inputs],
            [graph.shape(tensor) for tensor in node.outputs],
        )
        if counted is None:
            uncounted.append(node.name)
        else:
            macs += sum(counted.values())
    sizes = [math.prod(variable.shape) for variable in weights.values()]
    widths = [item_size(variable) for variable in weights.values()]
    size = sum(n * width for n, width in zip(sizes, widths, strict=True))
    return Cost(sum(sizes), macs, size, tuple(uncounted))


def operation_macs(
    operation: object, input_shapes: list[tuple], output_shapes: list[tuple]
) -> dict[str, int] | None:
    """Multiplications of one call by the axes with which they shrink.

    None if they cannot be told.
    """
    if cost_rule(operation) is not None:
        return layer_macs(operation, input_shapes[0], output_shapes[0])
    multiplies = type(operation).__name__ in _PRODUCTS
    return None if multiplies or getattr(operation, "weights", ()) else {}


def item_size(variable: keras.Variable) -> int:
    """Bytes of one entry of a variable."""
    return tf.as_dtype(variable.dtype).size
