"""Flatten: every channel becomes one feature per position."""

import math

import numpy as np
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.Flatten)
class FlattenRule(StripRule):
    """Keeps, for each feature, the channel that it comes from."""

    def barrier(self, call):
        if None in call.input_shapes[0][1:] or len(call.input_shapes[0]) < 2:
            return Barrier.DYNAMIC_SHAPE
        return super().barrier(call)

    def input_axes(self, call, axes):
        return [axes[0] or len(call.input_shapes[0]) - 1]

    def output_axes(self, call, axes):
        return [1]

    def forward(self, call, inputs):
        x = inputs[0]
        origin = _origin(call, x.axis)
        return [Channels(1, x.known[origin], x.value[origin])]

    def backward(self, call, inputs, kept):
        x = inputs[0]
        needed = np.zeros(x.size, bool)
        needed[_origin(call, x.axis)[kept[0]]] = True
        return [needed]

    def plan(self, call, inputs, outputs, kept):
        x = inputs[0]
        axis = x.channels.axis
        narrow = list(call.input_shapes[0])
        narrow[axis] = x.width
        position = np.take(
            _places(call, narrow[1:]), np.maximum(x.position, 0), axis=axis - 1
        )
        origin = _origin(call, axis)
        position = np.where(
            x.position[origin] >= 0, _flatten(call, position), -1
        )
        return Step(
            {0: x.adapt_nothing()},
            [
                Selection(
                    outputs[0], math.prod(narrow[1:]), position, x.scale[origin]
                )
            ],
        )

    def commutes_with_scale(self, call):
        return True


def _order(call):
    """Order in which Keras lays out the axes (without the batch axis)."""
    axes = list(range(len(call.input_shapes[0]) - 1))
    if call.layer.data_format == "channels_first":
        return axes[1:] + axes[:1]
    return axes


def _flatten(call, array):
    return array.transpose(_order(call)).ravel()


def _origin(call, axis):
    """The channel of each feature, integers `[features]`."""
    shape = call.input_shapes[0][1:]
    along = [1] * len(shape)
    along[axis - 1] = -1
    channels = np.arange(shape[axis - 1]).reshape(along)
    return _flatten(call, np.broadcast_to(channels, shape))


def _places(call, shape):
    """The feature of each entry of a tensor of `shape`."""
    order = _order(call)
    laid_out = np.arange(math.prod(shape)).reshape([shape[i] for i in order])
    return laid_out.transpose(np.argsort(order))
