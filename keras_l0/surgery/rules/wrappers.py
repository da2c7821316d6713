"""Layers that run another layer: TimeDistributed and Bidirectional."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_l0.surgery import registry
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.copying import free_initializers
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.rules import recurrent
from keras_l0.surgery.selection import Selection

_RECURRENT = (layers.SimpleRNN, layers.GRU, layers.LSTM)


@registry.register_strip_rule(layers.TimeDistributed)
class TimeDistributedRule(StripRule):
    """The rule of the layer inside, on tensors without the time axis."""

    def barrier(self, call):
        inner = call.layer.layer
        rule = registry.find_rule(inner)
        if isinstance(rule, Barrier):
            return rule
        if registry.known_class(inner) is not type(inner):
            return Barrier.OVERRIDDEN_CALL
        return super().barrier(call) or rule.barrier(_inside(call))

    def input_axes(self, call, axes):
        rule, inner = _rule_inside(call)
        return _outside(rule.input_axes(inner, [_without_time(axes[0])]))

    def output_axes(self, call, axes):
        rule, inner = _rule_inside(call)
        return _outside(rule.output_axes(inner, [_without_time(axes[0])]))

    def forward(self, call, inputs):
        rule, inner = _rule_inside(call)
        results = rule.forward(inner, [_channels_inside(x) for x in inputs])
        axes = _outside([x.axis for x in results])
        return [
            dataclasses.replace(x, axis=axis)
            for x, axis in zip(results, axes, strict=True)
        ]

    def backward(self, call, inputs, kept):
        rule, inner = _rule_inside(call)
        return rule.backward(inner, [_channels_inside(x) for x in inputs], kept)

    def plan(self, call, inputs, outputs, kept):
        rule, inner = _rule_inside(call)
        (x,), (y,) = inputs, outputs
        step = rule.plan(
            inner,
            [x.with_channels(_channels_inside(x.channels))],
            [_channels_inside(y)],
            kept,
        )
        config = step.config
        if config is not None:
            config = {"layer": _copied(inner, step.config, step.weights)}
        adapter = step.adapters[0]
        (axis,) = _outside([adapter.axis])
        return dataclasses.replace(
            step,
            adapters={0: dataclasses.replace(adapter, axis=axis)},
            selections=[step.selections[0].with_channels(y)],
            config=config,
        )

    def commutes_with_scale(self, call):
        rule, inner = _rule_inside(call)
        return rule.commutes_with_scale(inner)

    def scaled_weights(self, call, factors):
        rule, inner = _rule_inside(call)
        return rule.scaled_weights(inner, factors)


def _rule_inside(call):
    return registry.find_rule(call.layer.layer), _inside(call)


def _inside(call: Call) -> Call:
    """The call of the layer inside, at one step."""
    node = dataclasses.replace(call.node, operation=call.layer.layer)
    shapes = [
        [(shape[0], *shape[2:]) for shape in group]
        for group in (call.input_shapes, call.output_shapes)
    ]
    return Call(node, *shapes)


def _without_time(axis):
    """The axis without the time axis; None for the time axis itself."""
    return axis - 1 if axis is not None and axis > 1 else None


def _outside(axes):
    return [None if axis is None else axis + 1 for axis in axes]


def _channels_inside(x):
    return dataclasses.replace(x, axis=_without_time(x.axis))


def _copied(
    call: Call, changes: dict, weights: dict | None = None
) -> dict[str, Any]:
    """A layer, as Keras writes it into the config of another, changed."""
    layer = call.layer
    written = keras.saving.serialize_keras_object(layer)
    written.pop("build_config", None)  # it knows the old shapes
    resized = [
        name
        for name, value in (weights or {}).items()
        if name in call.weights and value.shape != call.weights[name].shape
    ]
    config = {**written["config"], **changes}
    config |= free_initializers(layer, resized)
    if hasattr(layer, "activation"):
        config["activation"] = layer.activation  # Keras knows some by name
    written["config"] = config
    return written


@registry.register_strip_rule(layers.Bidirectional)
class BidirectionalRule(StripRule):
    """Two recurrent layers, each with the units that it needs.

    Both ways must be of one width. Where their units are merged one to one
    they keep the same ones; side by side the narrower gets units of zeros.
    """

    def barrier(self, call):
        layer = call.layer
        inner = layer.forward_layer, layer.backward_layer
        kinds = {type(way) for way in inner}
        if len(kinds) > 1 or not kinds <= set(_RECURRENT):
            return Barrier.NO_RULE
        if layer.return_state:
            return Barrier.EXTRA_INPUTS
        if len({(way.units, way.use_bias) for way in inner}) > 1:
            return Barrier.EXTRA_WEIGHTS
        found = map(recurrent.barrier_of, _ways(call))
        return next((barrier for barrier in found if barrier), None)

    def input_axes(self, call, axes):
        return [2]

    def output_axes(self, call, axes):
        return [len(shape) - 1 for shape in call.output_shapes]

    def forward(self, call, inputs):
        return [
            Channels.live(len(shape) - 1, shape[-1])
            for shape in call.output_shapes
        ]

    def backward(self, call, inputs, kept):
        x = inputs[0]
        parts = [
            recurrent.needed_inputs(way, x, units)
            for way, units in zip(
                _ways(call), self._units(call, kept), strict=True
            )
        ]
        return [np.any(parts, axis=0)]

    def _units(self, call, kept):
        """The units that each way needs."""
        ways = _ways(call)
        if call.layer.merge_mode == "concat":
            parts = np.split(kept[0], 2)
        elif call.layer.merge_mode is None:
            parts = kept
        else:
            both = kept[0]
            while True:
                found = [recurrent.needed_units(way, both) for way in ways]
                if (found[0] == both).all() and (found[1] == both).all():
                    return found
                both = found[0] | found[1]
        return [
            recurrent.needed_units(way, part)
            for way, part in zip(ways, parts, strict=True)
        ]

    def plan(self, call, inputs, outputs, kept):
        x, ways = inputs[0], _ways(call)
        units = self._units(call, kept)
        rows = np.unique(
            np.concatenate(
                [
                    recurrent.input_rows(way, x, part)
                    for way, part in zip(ways, units, strict=True)
                ]
            )
        )
        small = [
            recurrent.narrow_weights(way, x, rows, part)
            for way, part in zip(ways, units, strict=True)
        ]
        size = max(np.count_nonzero(part) for part in units)
        use_bias = any("bias" in weights for weights in small)
        small = [
            recurrent.widened(way, weights, size, use_bias)
            for way, weights in zip(ways, small, strict=True)
        ]
        changes = {"units": int(size), "use_bias": use_bias}
        names = ["kernel", "recurrent_kernel"] + ["bias"] * use_bias
        return Step(
            {0: x.adapt(rows, absorbed=True)},
            self._selections(call, outputs, units, int(size)),
            {
                "layer": _copied(ways[0], changes, small[0]),
                "backward_layer": _copied(ways[1], changes, small[1]),
            },
            {
                f"{name}:{place * len(names) + i}": weights[name]
                for place, weights in enumerate(small)
                for i, name in enumerate(names)
            },
            folded=int(np.count_nonzero(x.channels.nonzero)),
        )

    def _selections(self, call, outputs, units, size):
        merge = call.layer.merge_mode
        if merge == "concat":
            first, second = (
                Selection.of(Channels.live(0, part.size), part).position
                for part in units
            )
            second = np.where(second < 0, -1, second + size)
            position = np.concatenate([first, second])
            ones = np.ones(position.size)
            return [Selection(outputs[0], 2 * size, position, ones)]
        found = [
            Selection.of(channels, part)
            for channels, part in zip(outputs, units, strict=False)
        ]
        return [dataclasses.replace(s, width=size) for s in found]


def _ways(call):
    """The calls of both layers, with the weights of each."""
    values = list(call.weights.values())
    half = len(values) // 2
    names = ("kernel", "recurrent_kernel", "bias")
    shape = call.output_shapes[0]
    calls = []
    for way, part in (
        (call.layer.forward_layer, values[:half]),
        (call.layer.backward_layer, values[half:]),
    ):
        weights = dict(zip(names, part, strict=False))
        node = dataclasses.replace(call.node, operation=way, weights=weights)
        output = (*shape[:-1], way.units)
        calls.append(Call(node, call.input_shapes, [output]))
    return calls
