"""Where the gates of a site cost least."""

import dataclasses

import keras
from keras import layers

from keras_l0.gates import Gate
from keras_l0.gating.channel_flow import ChannelFlow
from keras_l0.gating.sites import GateSite
from keras_l0.graph import Node
from keras_l0.layers.tensor_targets import OutputsTarget

_ACTIVATIONS = (
    keras.activations.linear,
    keras.activations.relu,
    keras.activations.leaky_relu,
)


def cheapest(flow: ChannelFlow, site: GateSite, gate: Gate) -> GateSite:
    """The site, its gates where they multiply weights, if that is the same.

    `z * relu(y)` is `relu(z * y)` for gates z >= 0, and if y is a batch
    normalization, or a convolution, z multiplies its few weights instead of
    all activations. To families that learn from closed gates it is not the
    same: behind a ReLU a closed gate has a gradient, in front of it none.

    Args:
        flow: The graph's.
        site: A site that is gated.
        gate: The family of its gates.

    Returns:
        site: With another `behind`, or as it was.
    """
    if site.on != "outputs" or gate.learns_when_closed:
        return site
    node = flow.node(site.behind)
    while node.name != site.path and _is_homogeneous(node.operation):
        node = flow.maker(node.inputs[0])
    moves = node.name != site.behind
    if moves and _takes_gates(flow, node, site.axis, gate):
        return dataclasses.replace(site, behind=node.name)
    return site


def _is_homogeneous(layer):
    """Whether a factor >= 0 may be taken out of what a layer does.

    A subclass may do something else, and a regularizer sees the output.
    """
    if getattr(layer, "activity_regularizer", None) is not None:
        return False
    if type(layer) is layers.ReLU:
        return layer.max_value is None and not layer.threshold
    if type(layer) is layers.Activation:
        return layer.activation in _ACTIVATIONS
    return type(layer) in (layers.LeakyReLU, layers.PReLU)


def _takes_gates(flow: ChannelFlow, node: Node, axis: int, gate: Gate) -> bool:
    """Whether the layer has weights that take the gates, of this call only."""
    if flow.calls(node.operation) > 1:
        return False
    target = OutputsTarget(node.operation, axis, gate)
    target.build(flow.graph.shape(node.inputs[0]))
    return target.multiplies_weights
