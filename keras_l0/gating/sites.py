"""Where the units of a model can be gated, and where not, and why."""

import dataclasses
import enum

import keras
from keras import layers

from keras_l0.gating.channel_flow import ChannelFlow
from keras_l0.graph import Graph
from keras_l0.graph import Node
from keras_l0.graph import read_graph
from keras_l0.internal import layer_filter

_ATTENTION = (layers.MultiHeadAttention, layers.GroupQueryAttention)


class Ungated(enum.Enum):
    """Why a layer with units has no gates.

    Example:

    >>> keras_l0.gating.sites.Ungated.OUTPUT.value
    'its units are outputs of the model'
    """

    OUTPUT = "its units are outputs of the model"
    STREAM = "it writes a residual stream; `streams=True` ties its writers"
    STREAM_OF_OTHERS = "it writes a residual stream that others write too"
    SCALE = "it only scales another branch"
    NORMALIZED = "a batch normalization behind it would cancel the gates"
    NOT_CHOSEN = "`include` and `exclude` leave it out"
    NARROW = "it has fewer than two units"


@dataclasses.dataclass(frozen=True)
class GateSite:
    """A group of units that can be left out together.

    Attributes:
        path: Name of the layer that makes the units; `/` leads into nested
            models.
        layer: Its class.
        units: How many units it has.
        behind: Name of the layer whose output is gated; `add_gates` may wrap
            the layer in front of a ReLU, or the pooling behind it, instead.
        axis: The gated axis of that output.
        on: `"outputs"` or `"heads"`.
        stream: Name of the first layer that writes the residual stream, for
            those that write one; None otherwise. One `GateVector` per stream.
        reason: Why it is not gated, as a name of `Ungated`; None if it is.

    Example:

    >>> model = keras.Sequential(
    ...     [
    ...         keras.Input((4,)),
    ...         keras.layers.Dense(8, name="hidden"),
    ...         keras.layers.ReLU(name="relu"),
    ...         keras.layers.Dense(2, name="top"),
    ...     ]
    ... )
    >>> for site in keras_l0.gating.find_gate_sites(model):
    ...     print(site.path, site.units, site.behind, site.reason)
    hidden 8 relu None
    top 2 top OUTPUT
    """

    path: str
    layer: str
    units: int
    behind: str
    axis: int
    on: str = "outputs"
    stream: str | None = None
    reason: str | None = None


def find_gate_sites(
    model: keras.Model,
    include: layer_filter.LayerFilter = None,
    exclude: layer_filter.LayerFilter = None,
    streams: bool = False,
) -> list[GateSite]:
    """Lists the groups of units of a model, gateable or not.

    Args:
        model: A built Functional or Sequential model without gates.
        include: Layers whose units to gate: a regular expression that is
            searched for in the path, a class, a function of the layer, or a
            list of these. None means all. Defaults to None.
        exclude: Layers whose units not to gate, likewise. Defaults to None.
        streams: Whether layers that write one residual stream are gated, by
            gates that they share. Defaults to `False`.

    Returns:
        sites: One per layer with units, in the order of the graph.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model is not built, is a subclassed model, has
            gates already, or a filter fits no layer.

    Example:

    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(2)]
    ... )
    >>> [s.units for s in keras_l0.gating.find_gate_sites(model)]
    [8, 2]
    """
    return sites_of(read_graph(model), include, exclude, streams)


def sites_of(
    graph: Graph,
    include: layer_filter.LayerFilter,
    exclude: layer_filter.LayerFilter,
    streams: bool,
) -> list[GateSite]:
    """`find_gate_sites` of a graph."""
    if graph.gates:
        raise ValueError(
            "The model has gates already. Received: "
            f"{', '.join(map(repr, list(graph.gates)[:3]))}"
        )
    flow = ChannelFlow(graph)
    makers = {node.name: node for node in graph.nodes if flow.makes_units(node)}
    chosen = layer_filter.choose(
        {name: node.operation for name, node in makers.items()},
        include,
        exclude,
    )
    sites = [_site(flow, node) for node in makers.values()]
    sites = _with_streams(flow, makers, sites, streams)
    return [
        site
        if site.path in chosen
        else dataclasses.replace(site, reason=Ungated.NOT_CHOSEN.name)
        for site in sites
    ]


def _site(flow: ChannelFlow, node: Node) -> GateSite:
    """The site of one layer, streams left aside."""
    kind = type(node.operation).__name__
    if isinstance(node.operation, _ATTENTION):
        heads = _heads(node.operation)
        reason = None if heads > 1 else Ungated.NARROW.name
        return GateSite(
            node.name, kind, heads, node.name, -1, "heads", None, reason
        )
    end = flow.end_of_group(node)
    axis = flow.unit_axis(node)
    units = flow.shape(node)[axis]
    reason = _reason(flow, node, end, units)
    return GateSite(
        node.name,
        kind,
        units,
        end.name,
        axis,
        reason=reason and reason.name,
    )


def _heads(layer):
    return getattr(layer, "num_heads", None) or layer.num_query_heads


def _reason(flow, node, end, units):
    reached = flow.reached(end)
    if reached.outputs:
        return Ungated.OUTPUT
    if units < 2:
        return Ungated.NARROW
    if reached.scales:
        return Ungated.SCALE
    if reached.sums:
        return Ungated.STREAM
    return Ungated.NORMALIZED if reached.normalized else None


def _with_streams(flow, makers, sites, streams):
    """Names the streams, and gates them if they are to be gated."""
    writers = [s for s in sites if s.reason == Ungated.STREAM.name]
    if not streams:
        return sites
    by_name = {node.name: node for node in flow.graph.nodes}
    groups = flow.streams([by_name[site.behind] for site in writers])
    named = {}
    for group, fits in groups:
        first = next(s.path for s in writers if s.behind == group[0])
        for site in writers:
            if site.behind in group:
                reason = None if fits else Ungated.STREAM_OF_OTHERS.name
                named[site.path] = dataclasses.replace(
                    site, stream=first, reason=reason
                )
    return [named.get(site.path, site) for site in sites]
