"""Reads a Keras model into a `Graph`."""

import inspect

import keras
import numpy as np

from keras_l0.graph import nested
from keras_l0.graph.record import Graph
from keras_l0.graph.record import Node
from keras_l0.graph.record import Ref
from keras_l0.graph.record import Scale
from keras_l0.graph.record import named_weights
from keras_l0.graph.record import refs
from keras_l0.graph.record import weight_values
from keras_l0.internal import keras_internals
from keras_l0.internal.unique_names import UniqueNames
from keras_l0.layers import L0Gate
from keras_l0.layers import has_gates


def read_graph(model: keras.Model, keep_gates: bool = False) -> Graph:
    """Reads a Functional or Sequential model; the model is not touched.

    Args:
        model: A built Functional or Sequential model.
        keep_gates: Whether gates are to stay. They are then read as 0 or 1.

    Returns:
        graph: A `Graph` that shares nothing with the model but its layers,
            which are only to be looked at.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model is not built, is a subclassed model, or holds
            gates where they cannot be reached.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3, name="dense"))
    >>> model = keras.Sequential([keras.Input((2,), name="x"), gated])
    >>> graph = keras_l0.graph.read_graph(model)
    >>> [node.type_name for node in graph.nodes]
    ['InputLayer', 'Dense', 'Scale']
    """
    return _Reader(keep_gates).read(model)


class _Reader:
    """Numbers the tensors while it walks the nodes."""

    def __init__(self, keep_gates):
        self.keep_gates = keep_gates
        self.nodes, self.specs, self.gates = [], {}, {}
        self.numbers: dict[int, int] = {}  # id of a KerasTensor -> number
        self._unique = UniqueNames()  # shared layers are counted up

    def read(self, model):
        model = nested.as_functional(model)
        self._walk(model, prefix="")
        return Graph(
            self.nodes,
            self.specs,
            self._refer(model.input),
            self._refer(model.output),
            self.gates,
        )

    def _walk(self, model, prefix):
        for node in keras_internals.functional_nodes(model):
            if node.is_input and prefix:
                continue  # a nested model reads tensors that are there already
            numbers = self._add(
                node.operation,
                self._refer(node.arguments.args),
                self._refer(_given(node.arguments.kwargs)),
                node.outputs,
                prefix,
            )
            for tensor, number in zip(node.outputs, numbers, strict=True):
                self.numbers[id(tensor)] = number

    def _add(self, operation, args, kwargs, specs, prefix):
        """Adds a call, opened or split if need be; the outputs' numbers."""
        if isinstance(operation, L0Gate):
            return self._split(operation, args, kwargs, specs, prefix)
        if nested.has_graph(operation):
            inner = nested.as_functional(operation)
            given = nested.in_order(inner, args, kwargs)
            if self._fits(inner, given, kwargs):
                inside = prefix + operation.name + "/"
                given = [
                    self._cast(number, operation, own.dtype, inside)
                    for number, own in zip(given, inner.inputs, strict=True)
                ]
                return self._open(inner, given, inside)
        _refuse_hidden_gates(operation)
        name = prefix + operation.name
        return self._append(operation, args, kwargs, specs, name)

    def _fits(self, inner, given, kwargs):
        """Whether the model computes on these tensors, but for their type.

        Keras adds or drops an axis of size 1 of the inputs of a nested model,
        and hands masks in and out without a trace in the graph.
        """
        masked = list(refs(kwargs.get("mask"))) or any(
            map(keras_internals.has_mask, inner.outputs)
        )
        if masked or len(given) != len(inner.inputs):
            return False
        specs = [self.specs[number] for number in given]
        return all(
            len(own.shape) == len(spec.shape)
            for own, spec in zip(inner.inputs, specs, strict=True)
        )

    def _cast(self, number, model, wanted, prefix):
        """Adds the casts of an input of a nested model; its number then."""
        spec = self.specs[number]
        for dtype in nested.casts(model, spec.dtype, wanted):
            cast = keras_internals.operation_class("Cast")(dtype)
            specs = [keras.KerasTensor(spec.shape, dtype)]
            (number,) = self._append(
                cast, (Ref(number),), {}, specs, prefix + "cast"
            )
        return number

    def _open(self, inner, given, prefix):
        """Walks a nested model in place of its call.

        A model that is called twice has the same tensors inside each time:
        every walk numbers them anew.
        """
        outer, self.numbers = self.numbers, {}
        for own, number in zip(inner.inputs, given, strict=True):
            self.numbers[id(own)] = number
        self._walk(inner, prefix)
        returned = list(refs(self._refer(inner.output)))
        self.numbers = outer
        return returned

    def _split(self, wrapper, args, kwargs, specs, prefix):
        """A gated layer becomes the layer and a gate beside it."""
        layer, name = wrapper.layer, prefix + wrapper.name
        if not _accepts_mask(layer):
            kwargs = {k: v for k, v in kwargs.items() if k != "mask"}
        gates = np.asarray(wrapper.gate_vector.deterministic_gate(), "float64")
        if self.keep_gates:
            _refuse_what_cannot_be_kept(wrapper, name)
            gates = (gates != 0).astype("float64")
        self.gates[name] = gates
        if wrapper.on == "weights":
            _refuse_hidden_gates(layer)
            inside = prefix + layer.name
            numbers = self._append(layer, args, kwargs, specs, inside)
            self.nodes[-1].weights.update(_gated_weights(wrapper, gates))
            return numbers
        if wrapper.on == "inputs":
            axis = wrapper.target.gated_axis
            scale = Scale(name, gates, axis, wrapper, keep=self.keep_gates)
            spec = self.specs[args[0].tensor]
            (number,) = self._append(scale, args[:1], {}, [spec], name)
            args = (Ref(number), *args[1:])
            return self._add(layer, args, kwargs, specs, prefix)
        numbers = self._add(layer, args, kwargs, specs, prefix)
        if wrapper.target.gated(gates):
            self.nodes[-1].weights.update(_gated_weights(wrapper, gates))
        if wrapper.on == "heads":
            keep = self.keep_gates
            heads = Scale(name, gates, wrapper.axis, wrapper, keep=keep)
            self.nodes[-1].heads = heads
            return numbers
        outputs = []
        for number, spec in zip(numbers, specs, strict=True):
            # States that a layer returns have an axis less, and the same gates.
            axis = wrapper.target.gated_axis
            axis -= len(specs[0].shape) - len(spec.shape)
            scale = Scale(name, gates, axis, wrapper, keep=self.keep_gates)
            outputs += self._append(scale, (Ref(number),), {}, [spec], name)
        return outputs

    def _append(self, operation, args, kwargs, specs, name):
        """Adds a node as it is; the outputs' numbers."""
        numbers = list(range(len(self.specs), len(self.specs) + len(specs)))
        self.specs.update(zip(numbers, specs, strict=True))
        name, weights = self._unique(name), weight_values(operation)
        self.nodes.append(Node(name, operation, args, kwargs, numbers, weights))
        return numbers

    def _refer(self, structure):
        """`structure` with a `Ref` for each tensor, variables as arrays."""

        def refer(leaf):
            if isinstance(leaf, keras.KerasTensor):
                return Ref(self.numbers[id(leaf)])
            if isinstance(leaf, keras.Variable):
                return keras.ops.convert_to_numpy(leaf)
            return leaf

        return keras.tree.map_structure(refer, structure)


def _given(kwargs):
    """What the caller of a layer gave it.

    Keras notes `training=False` and `mask=None` where nobody gave them, and an
    outer `training` overrides them anyway.
    """
    return {
        key: value
        for key, value in kwargs.items()
        if key != "training" and not (key == "mask" and value is None)
    }


def _accepts_mask(layer):
    return "mask" in inspect.signature(layer.call).parameters


def _gated_weights(wrapper, gates):
    """The gated values, by the names of the layer's weights."""
    gated = {
        id(variable): value for variable, value in wrapper.target.gated(gates)
    }
    return {
        name: keras.ops.convert_to_numpy(gated[id(variable)])
        for name, variable in named_weights(wrapper.layer).items()
        if id(variable) in gated
    }


def _refuse_what_cannot_be_kept(wrapper, name):
    if wrapper.on == "weights":
        raise ValueError(
            "`keep_gates` needs gates of units or heads, not of weights. "
            f"Received: L0Gate '{name}' with on={wrapper.on!r}"
        )


def _refuse_hidden_gates(operation):
    if isinstance(operation, keras.layers.Layer) and has_gates(operation):
        raise ValueError(
            f"Layer '{operation.name}' ({type(operation).__name__}) holds "
            "gates inside, where they cannot be reached. Put the gate around "
            "the layer instead: `L0Gate(TimeDistributed(layer))`, not "
            "`TimeDistributed(L0Gate(layer))`. A nested model is opened if it "
            "has a graph, is called on tensors of the rank of its inputs, and "
            "neither takes nor returns a mask."
        )
