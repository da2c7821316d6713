"""Counts the parameters and multiplications of a network."""

import dataclasses
import math

import keras

from keras_l0.cost.registry import cost_rule
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
        uncounted: Names of the layers and operations whose multiplications
            are not in `macs`: there is no rule for them, or a size is open.

    Example:

    >>> print(keras_l0.cost.Cost(params=10, macs=8, uncounted=("lstm",)))
    10 parameters, 8 MACs (without those of: lstm)
    """

    params: int
    macs: int
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
    Cost(params=10, macs=8, uncounted=())
    """
    graph = read_graph(model)
    macs, uncounted, weights = 0, [], {}
    for node in graph.nodes:
        for variable in getattr(node.operation, "weights", ()):
            weights[id(variable)] = variable
        counted = _macs(graph, node)
        if counted is None:
            uncounted.append(node.name)
        macs += counted or 0
    params = sum(math.prod(variable.shape) for variable in weights.values())
    return Cost(params, macs, tuple(uncounted))


def _macs(graph, node):
    """Multiplications of one node, or None if they cannot be told."""
    rule = cost_rule(node.operation)
    if rule is not None:
        return rule(
            node.operation,
            graph.shape(node.inputs[0]),
            graph.shape(node.outputs[0]),
        )
    multiplies = node.type_name in _PRODUCTS
    return None if multiplies or getattr(node.operation, "weights", ()) else 0
