"""Means, sums and extrema over axes other than the channels'."""

import dataclasses
import math

import numpy as np

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import default_axis
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import StripRule


@register_strip_rule(operation_class("Max"))
@register_strip_rule(operation_class("Mean"))
@register_strip_rule(operation_class("Min"))
class MeanRule(StripRule):
    """A constant channel stays the constant that it is."""

    def barrier(self, call):
        if call.layer.axis is None or 0 in self._reduced(call):
            return Barrier.BATCH_AXIS
        return super().barrier(call)

    def _reduced(self, call):
        rank = len(call.input_shapes[0])
        return {int(a) % rank for a in np.atleast_1d(call.layer.axis)}

    def input_axes(self, call, axes):
        """The axis at hand, or one that is left."""
        if axes[0] not in self._reduced(call):
            return axes
        shape = call.input_shapes[0]
        left = [
            None if axis in self._reduced(call) else size
            for axis, size in enumerate(shape)
        ]
        return [default_axis(tuple(left))]

    def output_axes(self, call, axes):
        if axes[0] is None or call.layer.keepdims:
            return axes
        return [axes[0] - sum(axis < axes[0] for axis in self._reduced(call))]

    def commutes_with_scale(self, call):
        return True


@register_strip_rule(operation_class("Sum"))
class SumRule(MeanRule):
    """A constant is multiplied by the number of terms, if that is known."""

    def forward(self, call, inputs):
        (x,) = super().forward(call, inputs)
        sizes = [call.input_shapes[0][axis] for axis in self._reduced(call)]
        known = x.known
        if None in sizes:
            known, sizes = known & (x.value == 0), []
        value = np.where(known, x.value * math.prod(sizes), 0)
        return [dataclasses.replace(x, known=known, value=value)]
