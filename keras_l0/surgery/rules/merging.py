"""Concatenations."""

import numpy as np
from keras import layers

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.Concatenate)
@register_strip_rule(operation_class("Concatenate"))
class ConcatenateRule(StripRule):
    """Concatenation, along the axis of the channels or another one."""

    def barrier(self, call):
        if len({len(shape) for shape in call.input_shapes}) > 1:
            return Barrier.BROADCASTING
        return None

    def _joins_channels(self, call, channels):
        rank = len(call.input_shapes[0])
        return channels.axis == call.layer.axis % rank

    def forward(self, call, inputs):
        known = [x.known for x in inputs]
        value = [x.value for x in inputs]
        if self._joins_channels(call, inputs[0]):
            known, value = np.concatenate(known), np.concatenate(value)
        else:
            same = np.all(np.equal(value, value[0]), axis=0)
            known, value = np.all(known, axis=0) & same, value[0]
        return [Channels(inputs[0].axis, known, np.where(known, value, 0))]

    def backward(self, call, inputs, kept):
        if not self._joins_channels(call, inputs[0]):
            return [kept[0]] * len(inputs)
        return np.split(kept[0], np.cumsum([x.size for x in inputs])[:-1])

    def plan(self, call, inputs, outputs, kept):
        if self._joins_channels(call, inputs[0].channels):
            return self._join(call, inputs, outputs, kept)
        channels = np.flatnonzero(kept[0])
        adapters = {i: x.adapt(channels) for i, x in enumerate(inputs)}
        return Step(adapters, [Selection.of(outputs[0], kept[0])])

    def _join(self, call, inputs, outputs, kept):
        """Branches pass as they are; those that hold nothing disappear."""
        parts = self.backward(call, [x.channels for x in inputs], kept)
        adapters, position, width = {}, [], 0
        for i, (x, part) in enumerate(zip(inputs, parts, strict=True)):
            if not part.any():
                position.append(np.full(x.channels.size, -1))
                continue
            adapters[i] = x.adapt_nothing()
            position.append(np.where(x.position < 0, -1, x.position + width))
            width += x.width
        scale = np.concatenate([x.scale for x in inputs])
        selection = Selection(
            outputs[0], width, np.concatenate(position), scale
        )
        return Step(adapters, [selection], {} if len(adapters) > 1 else None)
