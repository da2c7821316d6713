"""Reads a Keras model into a `Graph`."""

import keras
import numpy as np

from keras_l0.graph.record import Graph
from keras_l0.graph.record import Node
from keras_l0.graph.record import Ref
from keras_l0.graph.record import Scale
from keras_l0.graph.record import named_weights
from keras_l0.internal import keras_internals
from keras_l0.layers import L0Gate
from keras_l0.layers import has_gates


def read_graph(model: keras.Model) -> Graph:
    """Reads a Functional or Sequential model; the model is not touched.

    Args:
        model: A built Functional or Sequential model.

    Returns:
        graph: A `Graph` that shares nothing with the model but its layers,
            which are only to be looked at.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model is not built, is a subclassed model, or holds
            gates where they cannot be reached.
    """
    return _Reader().read(model)


class _Reader:
    """Numbers the tensors while it walks the nodes."""

    def __init__(self):
        self.nodes, self.specs, self.closed = [], {}, []
        self.numbers: dict[int, int] = {}  # id of a KerasTensor -> number
        self.names: set[str] = set()

    def read(self, model):
        model = _as_functional(model)
        self._walk(model, prefix="")
        return Graph(
            self.nodes,
            self.specs,
            self._refer(model.input),
            self._refer(model.output),
            self.closed,
        )

    def _walk(self, model, prefix):
        for node in keras_internals.functional_nodes(model):
            operation = node.operation
            if node.is_input:
                if not prefix:
                    self._append(
                        operation, (), {}, node.outputs, operation.name
                    )
            elif _is_graph(operation):
                self._open(node, prefix + operation.name + "/")
            elif isinstance(operation, L0Gate):
                self._split(node, prefix)
            else:
                _refuse_hidden_gates(operation)
                args, kwargs = self._arguments(node)
                name = prefix + operation.name
                self._append(operation, args, kwargs, node.outputs, name)

    def _open(self, node, prefix):
        """Walks a nested model in place of its node.

        A model that is called twice has the same tensors inside each time:
        every walk numbers them anew.
        """
        inner = _as_functional(node.operation)
        given = keras.tree.flatten(node.arguments.args)
        given += keras.tree.flatten(node.arguments.kwargs.get("inputs", ()))
        outer, self.numbers = self.numbers, {}
        for own, tensor in zip(inner.inputs, given, strict=False):
            self.numbers[id(own)] = outer[id(tensor)]
        self._walk(inner, prefix)
        returned = [self._number(t) for t in keras.tree.flatten(inner.output)]
        self.numbers = outer
        for tensor, number in zip(node.outputs, returned, strict=True):
            self.numbers[id(tensor)] = number

    def _split(self, node, prefix):
        """A gated layer becomes the layer and a gate beside it."""
        wrapper, (args, kwargs) = node.operation, self._arguments(node)
        layer, name = wrapper.layer, prefix + wrapper.layer.name
        _refuse_hidden_gates(layer)
        gates = np.asarray(wrapper.gate_vector.deterministic_gate(), "float64")
        if not gates.any():
            self.closed.append(prefix + wrapper.name)
        if wrapper.on == "weights":
            self._append(layer, args, kwargs, node.outputs, name)
            gated = {id(v): value for v, value in wrapper.target.gated(gates)}
            for key, variable in named_weights(layer).items():
                if id(variable) in gated:
                    value = keras.ops.convert_to_numpy(gated[id(variable)])
                    self.nodes[-1].weights[key] = value
            return
        scale = Scale(prefix + wrapper.name, gates, wrapper.target.gated_axis)
        if wrapper.on == "inputs":
            between = self._new(self.specs[args[0].tensor])
            self._append(scale, args[:1], {}, [between], scale.name)
            args = (Ref(between), *args[1:])
            self._append(layer, args, kwargs, node.outputs, name)
        else:
            between = self._new(node.outputs[0])
            self._append(layer, args, kwargs, [between], name)
            args = (Ref(between),)
            self._append(scale, args, {}, node.outputs, scale.name)

    def _append(self, operation, args, kwargs, outputs, name):
        """Adds a node; `outputs` are KerasTensors or numbers."""
        numbers = [
            tensor if isinstance(tensor, int) else self._number(tensor)
            for tensor in outputs
        ]
        weights = {
            key: keras.ops.convert_to_numpy(variable)
            for key, variable in named_weights(operation).items()
        }
        self.nodes.append(
            Node(self._unique(name), operation, args, kwargs, numbers, weights)
        )

    def _new(self, spec):
        """A number for a tensor like `spec` that the model does not have."""
        self.specs[len(self.specs)] = spec
        return len(self.specs) - 1

    def _number(self, tensor):
        """The number of a KerasTensor."""
        if id(tensor) not in self.numbers:
            self.numbers[id(tensor)] = self._new(tensor)
        return self.numbers[id(tensor)]

    def _refer(self, structure):
        """`structure` with a `Ref` for each tensor."""
        return keras.tree.map_structure(
            lambda leaf: (
                Ref(self._number(leaf))
                if isinstance(leaf, keras.KerasTensor)
                else leaf
            ),
            structure,
        )

    def _arguments(self, node):
        # Keras notes `training=False` and `mask=None` where nobody gave them,
        # and an outer `training` overrides them anyway.
        kwargs = {
            key: value
            for key, value in node.arguments.kwargs.items()
            if key != "training" and not (key == "mask" and value is None)
        }
        return self._refer(node.arguments.args), self._refer(kwargs)

    def _unique(self, name):
        """`name`, counted up if the graph has it already (shared layers)."""
        unique, count = name, 0
        while unique in self.names:
            count += 1
            unique = f"{name}_{count}"
        self.names.add(unique)
        return unique


def _is_graph(operation):
    return keras_internals.functional_nodes(operation) is not None or (
        isinstance(operation, keras.Sequential) and operation.built
    )


def _as_functional(model):
    """The Functional model behind `model`, or a clear refusal."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a `keras.Model`. "
            f"Received: model={model!r} ({type(model).__name__})"
        )
    if isinstance(model, keras.Sequential):
        if not model.built:
            raise ValueError(
                f"Model '{model.name}' is not built, so that its layers have "
                "no shapes yet. Begin it with `keras.Input(...)`, or call it "
                "on data first."
            )
        return keras.Model(model.inputs, model.outputs)
    if keras_internals.functional_nodes(model) is None:
        raise ValueError(
            f"Model '{model.name}' ({type(model).__name__}) is a subclassed "
            "model: it has no graph of layers to follow. Rebuild it as a "
            "Functional model: call its layers on `keras.Input(...)` and pass "
            "input and output to `keras.Model`."
        )
    return model


def _refuse_hidden_gates(operation):
    if isinstance(operation, keras.layers.Layer) and has_gates(operation):
        raise ValueError(
            f"Layer '{operation.name}' ({type(operation).__name__}) holds "
            "gates inside, where they cannot be reached. Put the gate around "
            "the layer instead: `L0Gate(TimeDistributed(layer))`, not "
            "`TimeDistributed(L0Gate(layer))`."
        )
