"""Finds the layers of a model that can be built at other widths."""

import dataclasses
import difflib

import keras

from keras_l0.cli.command import TaskError
from keras_l0.cli.layer_costs import layer_costs
from keras_l0.graph import read_graph
from keras_l0.graph.record import Node

_WIDTHS = ("units", "filters")


@dataclasses.dataclass(frozen=True)
class TimedLayer:
    """A layer with a width that can be chosen.

    Attributes:
        name: Its path; `/` leads into nested models.
        layer: The layer.
        input_shape: Shape of its input, batch axis included.
        input_dtype: Type of its input.
        key: Which entry of its configuration is the width.
    """

    name: str
    layer: keras.layers.Layer
    input_shape: tuple[int | None, ...]
    input_dtype: str
    key: str

    @property
    def width(self) -> int:
        """How many units or filters it has."""
        return self.layer.get_config()[self.key]

    def network(self, width: int) -> keras.Model:
        """A network of this layer alone, at another width.

        Raises:
            TaskError: if the layer cannot have that width.
        """
        config = self.layer.get_config()
        tensor = keras.Input(
            batch_shape=(1, *self.input_shape[1:]), dtype=self.input_dtype
        )
        try:
            layer = type(self.layer).from_config({**config, self.key: width})
            return keras.Model(tensor, layer(tensor))
        except (TypeError, ValueError) as error:
            reason = str(error).rpartition("Exception encountered: ")[2]
            raise TaskError(
                f"Layer '{self.name}' ({type(self.layer).__name__}) cannot be "
                f"built at width {width}: {reason.splitlines()[0]}"
            ) from error


def choose(
    model: keras.Model, name: str | None, every: bool
) -> list[TimedLayer]:
    """The layers to time.

    Args:
        model: The model.
        name: Name of the layer; None for the one with most MACs.
        every: Whether to take all that can be timed.

    Raises:
        TaskError: if there is no such layer, or it has no width.
    """
    graph = read_graph(model)
    nodes = {
        node.name: node
        for node in graph.nodes
        if isinstance(node.operation, keras.layers.Layer)
    }
    if name is not None:
        return [_named(graph, nodes, name)]
    found = {
        name: _timed(graph, node)
        for name, node in nodes.items()
        if _width_key(node)
    }
    if not found:
        raise TaskError(
            "No layer has a width: `units` or `filters` in its configuration, "
            "and one input."
        )
    if every:
        return list(found.values())
    macs = {row.name: row.macs or 0 for row in layer_costs(model)}
    return [found[max(found, key=lambda name: macs.get(name, 0))]]


def _named(graph, nodes, name):
    if name not in nodes:
        near = difflib.get_close_matches(name, nodes, n=1, cutoff=0.4)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise TaskError(
            f"`--layer` fits no layer.{hint} There are {len(nodes)}, which "
            f"`keras-l0 inspect` lists. Received: {name}"
        )
    node = nodes[name]
    if not _width_key(node):
        raise TaskError(
            f"Layer '{name}' ({node.type_name}) has no width that can be "
            "chosen: its configuration has neither `units` nor `filters`, or "
            "it takes several inputs."
        )
    return _timed(graph, node)


def _width_key(node: Node) -> str | None:
    if len(node.inputs) != 1:
        return None
    config = node.operation.get_config()
    return next((k for k in _WIDTHS if isinstance(config.get(k), int)), None)


def _timed(graph, node):
    (tensor,) = node.inputs
    return TimedLayer(
        node.name,
        node.operation,
        graph.shape(tensor),
        keras.backend.standardize_dtype(graph.specs[tensor].dtype),
        _width_key(node),
    )
