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


# Their gates also multiply what they read of their own state.
_RECURRENT = (layers.RNN, layers.Bidirectional)
# A factor >= 0 of a channel may be taken out of these.
_POOLING = (
    layers.MaxPooling1D,
    layers.MaxPooling2D,
    layers.MaxPooling3D,
    layers.AveragePooling1D,
    layers.AveragePooling2D,
    layers.AveragePooling3D,
    layers.GlobalMaxPooling1D,
    layers.GlobalMaxPooling2D,
    layers.GlobalMaxPooling3D,
    layers.GlobalAveragePooling1D,
    layers.GlobalAveragePooling2D,
    layers.GlobalAveragePooling3D,
)


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where gates stand.

    Attributes:
        site: The site; `behind` names the layer to be wrapped.
        weights: Number of weights that each gate stands for beyond those of
            the wrapped layer, as a factor of `l0`.
    """

    site: GateSite
    weights: float = 1.0


def cheapest(flow: ChannelFlow, site: GateSite, gate: Gate) -> Placement:
    """Places the gates where they multiply least, if that is the same.

    `z * relu(y)` is `relu(z * y)` for gates z >= 0, and if y is a batch
    normalization, or a convolution, z multiplies its few weights instead of
    all activations. To families that learn from closed gates it is not the
    same: behind a ReLU a closed gate has a gradient, in front of it none.
    There `z * pool(y)` is `pool(z * y)`, with fewer activations.

    Args:
        flow: The graph's.
        site: A site that is gated.
        gate: The family of its gates.

    Returns:
        placement: The site with another `behind`, or as it was.
    """
    if site.on != "outputs":
        return Placement(site)
    node = flow.node(site.behind)
    front = node if gate.learns_when_closed else _front(flow, site)
    if _takes_gates(flow, front, site.axis, gate):
        return Placement(dataclasses.replace(site, behind=front.name))
    pooled = _behind_pooling(flow, node, site.axis)
    if pooled is node or isinstance(node.operation, _RECURRENT):
        return Placement(site)
    target = _target(flow, node, site.axis, gate)
    return Placement(
        dataclasses.replace(site, behind=pooled.name), target.group_size()
    )


def _front(flow, site):
    """The first call of the group that a factor >= 0 gets to."""
    node = flow.node(site.behind)
    while node.name != site.path and _is_homogeneous(node.operation):
        node = flow.maker(node.inputs[0])
    return node


def _behind_pooling(flow, node, axis):
    """The last call behind a node that a factor >= 0 gets to by pooling."""
    following = flow.sole_reader(node)
    while following is not None and _pools(flow, following, axis):
        node, following = following, flow.sole_reader(following)
    return node


def _pools(flow, node, axis):
    """Whether a call pools over other axes, and its layer does nothing else."""
    layer = node.operation
    return (
        type(layer) in _POOLING
        and layer.activity_regularizer is None
        and flow.unit_axis(node) == axis
        and flow.calls(layer) == 1
    )


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
    return (
        flow.calls(node.operation) == 1
        and _target(flow, node, axis, gate).multiplies_weights
    )


def _target(flow, node, axis, gate):
    target = OutputsTarget(node.operation, axis, gate)
    target.build(flow.graph.shape(node.inputs[0]))
    return target
