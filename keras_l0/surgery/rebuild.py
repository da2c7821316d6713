"""Builds the smaller model from a plan, out of stock Keras layers."""

from collections.abc import Callable
from typing import Any

import keras

from keras_l0.graph import Graph
from keras_l0.graph import Ref
from keras_l0.graph import named_weights
from keras_l0.internal import keras_internals
from keras_l0.internal.deep_graphs import deep_graphs
from keras_l0.internal.unique_names import UniqueNames
from keras_l0.surgery.copying import copy_operation
from keras_l0.surgery.copying import copy_state
from keras_l0.surgery.copying import free_initializers
from keras_l0.surgery.plan import Plan
from keras_l0.surgery.regating import Regating
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.sharing import equal_weights


def rebuild(
    plan: Plan,
    graph: Graph,
    name: str,
    wrap: Callable[[Call, keras.layers.Layer], keras.layers.Layer]
    | None = None,
) -> keras.Model:
    """Builds a new Functional model; nothing is shared with the source.

    Args:
        plan: What it is made of.
        graph: The source model.
        name: Name of the new model.
        wrap: Takes a call and the new layer; returns the layer to call in its
            place. None puts back the gates that the plan keeps.
    """
    regating = Regating(plan)
    builder = Builder(regating, wrap or regating.around)
    return builder.build(plan, graph, name)


class Builder:
    """Builds one smaller model, and remembers what became of its layers.

    Args:
        regating: The gates that the plan keeps.
        wrap: As in `rebuild`.

    Attributes:
        copies: `(call, step, new operation)` of each operation that was made,
            and the first call that it was made for.
    """

    def __init__(
        self,
        regating: Regating,
        wrap: Callable[[Call, keras.layers.Layer], keras.layers.Layer],
    ):
        self.regating, self.wrap = regating, wrap
        self.tensors: dict[int, Any] = {}
        self.copies: list[tuple[Call, Step, Any]] = []
        # id of a layer with weights -> its copies, each with the first call
        # that it was made for
        self._shared: dict[int, list[tuple[Call, Step, Any]]] = {}
        self._unique = UniqueNames()
        self.specs: dict[int, Any] = {}

    def build(self, plan: Plan, graph: Graph, name: str) -> keras.Model:
        """Builds the model; see `rebuild`."""
        self.specs = graph.specs
        for call, step in zip(plan.calls, plan.steps, strict=True):
            results = keras.tree.flatten(self._run(call, step))
            self.tensors.update(zip(call.node.outputs, results, strict=True))
        inputs = keras.tree.map_structure(
            lambda ref: self.tensors[ref.tensor], graph.inputs
        )
        outputs = keras.tree.map_structure(
            lambda output: output.adapter(self.tensors[output.tensor]),
            plan.outputs,
        )
        keras_internals.make_operation_names_unique(outputs)
        # An adapter is a few operations.
        with deep_graphs(5 * len(plan.calls)):
            return keras.Model(inputs, outputs, name=name)

    def _run(self, call: Call, step: Step):
        node = call.node
        numbers = node.inputs
        adapted = {
            i: adapter(self.tensors[numbers[i]])
            for i, adapter in step.adapters.items()
        }
        if step.config is None:
            (tensor,) = adapted.values()
            if step.gates is not None:
                gate = self.regating.alone(call, step.gates)
                tensor = tensor if gate is None else gate(tensor)
            return [self._as_before(tensor, number) for number in node.outputs]
        operation = self._operation(call, step)
        if isinstance(operation, keras.layers.InputLayer):
            return operation.output
        gated = self.wrap(call, operation)
        if len(adapted) < len(numbers):
            return gated(list(adapted.values()))
        given = iter(adapted.values())
        args, kwargs = keras.tree.map_structure(
            lambda leaf: next(given) if isinstance(leaf, Ref) else leaf,
            step.arguments or (node.args, node.kwargs),
        )
        outputs = gated(*args, **kwargs)
        _set_weights(operation, call, step)
        return outputs

    def _as_before(self, tensor, number):
        """The tensor in the type that the layer which is gone gave it."""
        spec = self.specs.get(number, tensor)
        if tensor.dtype == spec.dtype:
            return tensor
        return keras.ops.cast(tensor, spec.dtype)

    def _operation(self, call, step):
        """A new operation like the call's, made once per shared layer."""
        made = self._shared.setdefault(id(call.layer), [])
        for first, its_step, copy in made:
            if equal_weights(first.weights, call.weights):
                _check_equal(call, its_step, step)
                return copy
        changes = {
            **step.config,
            "name": self._unique(call.node.name.replace("/", "_")),
        }
        changes |= free_initializers(call.layer, _resized(call, step))
        layer_class = step.layer_class or type(call.layer)
        copy = copy_operation(call.layer, layer_class, changes)
        self.copies.append((call, step, copy))
        if call.weights:
            made.append((call, step, copy))
        return copy


def _check_equal(call, first, second):
    """A rule must make equal layers for all calls that share weights."""
    pair = first.weights or {}, second.weights or {}
    if first.config != second.config or not equal_weights(*pair):
        raise RuntimeError(
            f"The strip rule of {call.node.type_name} makes different layers "
            f"of the calls of '{call.node.name}', which share weights. A plan "
            "may depend on what is known and kept, not on where it lies."
        )


def _resized(call, step):
    """Names of the weights that change their shape."""
    return [
        name
        for name, value in (step.weights or {}).items()
        if name in call.weights and value.shape != call.weights[name].shape
    ]


def _set_weights(copy, call, step):
    weights = step.weights
    if weights is None:
        weights = call.weights
        if isinstance(copy, keras.layers.Layer):
            copy_state(call.layer, copy)
    for key, variable in named_weights(copy).items():
        variable.assign(weights[key])
