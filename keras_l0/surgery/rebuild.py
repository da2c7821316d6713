"""Builds the smaller model from a plan, out of stock Keras layers."""

from typing import Any

import keras

from keras_l0.graph import Graph
from keras_l0.graph import Ref
from keras_l0.graph import named_weights
from keras_l0.internal import keras_internals
from keras_l0.surgery.plan import Plan
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step


def rebuild(plan: Plan, graph: Graph, name: str) -> keras.Model:
    """Builds a new Functional model; nothing is shared with the source."""
    return _Builder().build(plan, graph, name)


class _Builder:
    def __init__(self):
        self.tensors: dict[int, Any] = {}
        self.copies: dict[int, Any] = {}  # id of a shared layer -> its copy
        self.names: set[str] = set()

    def build(self, plan, graph, name):
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
        return keras.Model(inputs, outputs, name=name)

    def _run(self, call: Call, step: Step):
        node = call.node
        numbers = node.inputs
        adapted = {
            i: adapter(self.tensors[numbers[i]])
            for i, adapter in step.adapters.items()
        }
        if step.config is None:
            return list(adapted.values())
        operation = self._copy(call, step)
        if isinstance(operation, keras.layers.InputLayer):
            return operation.output
        if len(adapted) < len(numbers):
            return operation(list(adapted.values()))
        given = iter(adapted.values())
        args, kwargs = keras.tree.map_structure(
            lambda leaf: next(given) if isinstance(leaf, Ref) else leaf,
            (node.args, node.kwargs),
        )
        outputs = operation(*args, **kwargs)
        self._set_weights(operation, call, step)
        return outputs

    def _copy(self, call, step):
        """A new operation like the call's, made once per shared layer."""
        source = call.layer
        if id(source) in self.copies:
            return self.copies[id(source)]
        config = {**source.get_config(), **step.config}
        if "name" in config:
            config["name"] = self._unique(call.node.name)
        copy = _from_config(type(source), config)
        if getattr(source, "weights", ()):
            self.copies[id(source)] = copy
        return copy

    def _set_weights(self, copy, call, step):
        weights = call.weights if step.weights is None else step.weights
        for key, variable in named_weights(copy).items():
            variable.assign(weights[key])

    def _unique(self, name):
        name = name.replace("/", "_")
        unique, count = name, 0
        while unique in self.names:
            count += 1
            unique = f"{name}_{count}"
        self.names.add(unique)
        return unique


def _from_config(cls, config):
    if issubclass(cls, keras.layers.Lambda):
        # The code is the caller's own and in memory already.
        return cls.from_config(config, safe_mode=False)
    return cls.from_config(config)
