"""The cost of each layer of a model."""

import dataclasses
import math

import keras

from keras_l0.cost.count import operation_macs
from keras_l0.graph import read_graph
from keras_l0.graph.record import Scale


@dataclasses.dataclass(frozen=True)
class LayerCost:
    """One call of one layer.

    Attributes:
        name: Its path; `/` leads into nested models.
        layer: Its class.
        units: Size of the last axis of its output (the first behind the batch
            if channels come first); None for an open one.
        params: Its weights; 0 if an earlier call has them already.
        macs: Multiply-accumulates for one example; None if nobody knows.
    """

    name: str
    layer: str
    units: int | None
    params: int
    macs: int | None


def layer_costs(model: keras.Model) -> list[LayerCost]:
    """The layers with weights or multiplications, in the order of the graph.

    Their sums are what `keras_l0.cost.count` says of the model. Gates are
    left out.
    """
    graph = read_graph(model)
    rows, known = [], set()
    for node in graph.nodes:
        if isinstance(node.operation, Scale):
            continue
        fresh = {
            id(variable): math.prod(variable.shape)
            for variable in getattr(node.operation, "weights", ())
            if id(variable) not in known
        }
        known.update(fresh)
        macs = _macs(graph, node)
        if fresh or macs != 0:
            units = _units(node.operation, graph.shape(node.outputs[0]))
            params = sum(fresh.values())
            rows.append(
                LayerCost(node.name, node.type_name, units, params, macs)
            )
    return rows


def _macs(graph, node):
    macs = operation_macs(
        node.operation,
        [graph.shape(tensor) for tensor in node.inputs],
        [graph.shape(tensor) for tensor in node.outputs],
    )
    return None if macs is None else sum(macs.values())


def _units(operation, shape):
    first = getattr(operation, "data_format", None) == "channels_first"
    return shape[1 if first else -1] if len(shape) > 1 else None
