"""Matrix products of two tensors, or of a tensor and a constant."""

import numpy as np

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.channels import default_axis
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@register_strip_rule(operation_class("Matmul"))
class MatmulRule(StripRule):
    """Follows one axis of `left @ right`; which one, the operands decide.

    Along an axis of the stack (the heads of an attention), along the rows of
    the left or the columns of the right operand each channel of the result is
    made of the same channel. Along the axis that is summed over, a channel
    that is 0 in one operand is left out of both.
    """

    takes_keyword_tensors = True

    def barrier(self, call):
        ranks = [len(shape) for shape in call.input_shapes]
        if len(ranks) != 2:
            return Barrier.EXTRA_INPUTS
        if ranks[0] != ranks[1] or ranks[0] < 3:
            return Barrier.BROADCASTING
        return None

    def input_axes(self, call, axes):
        rank = len(call.input_shapes[0])
        left, right = axes
        stack = _stack_axis(call, axes, rank)
        if stack is not None:
            return [stack, stack]
        if right == rank - 1 and left != rank - 1:
            return [None, right]
        if left == rank - 2:
            return [left, None]
        if left == rank - 1 and right == rank - 2:
            return [left, right]
        return [None, right] if right == rank - 1 else [None, None]

    def output_axes(self, call, axes):
        rank = len(call.input_shapes[0])
        left, right = axes
        if (left, right) == (rank - 1, rank - 2) or (left is right is None):
            return [default_axis(call.output_shapes[0])]
        return [right if left is None else left]

    def _sums(self, call, axes):
        """Whether the followed axis is the one that is summed over."""
        rank = len(call.input_shapes[0])
        return tuple(axes) == (rank - 1, rank - 2)

    def forward(self, call, inputs):
        axes = [x.axis for x in inputs]
        (axis,) = self.output_axes(call, axes)
        if self._sums(call, axes) or axes == [None, None]:
            return [Channels.whole(call.output_shapes[0], axis)]
        zeros = [x.known & (x.value == 0) for x in inputs if x.axis is not None]
        known = np.any(zeros, axis=0)
        return [Channels(axis, known, np.zeros(known.size))]

    def backward(self, call, inputs, kept):
        if self._sums(call, [x.axis for x in inputs]):
            return [self._terms(inputs)] * 2
        return [
            np.ones(x.size, bool) if x.axis is None else kept[0] for x in inputs
        ]

    def _terms(self, inputs):
        """The terms of the sums that are not 0; one at least."""
        zeros = [x.known & (x.value == 0) for x in inputs]
        terms = ~np.any(zeros, axis=0)
        terms[0] |= not terms.any()
        return terms

    def plan(self, call, inputs, outputs, kept):
        channels = [x.channels for x in inputs]
        if self._sums(call, [x.axis for x in channels]):
            wanted = np.flatnonzero(self._terms(channels))
        else:
            wanted = np.flatnonzero(kept[0])
        adapters = {
            i: x.adapt_all() if x.channels.axis is None else x.adapt(wanted)
            for i, x in enumerate(inputs)
        }
        return Step(adapters, [Selection.of(outputs[0], kept[0])])


def _stack_axis(call, axes, rank):
    """An axis that both operands have in front of rows and columns."""
    for axis in axes:
        if axis is not None and axis < rank - 2:
            sizes = {shape[axis] for shape in call.input_shapes}
            if len(sizes) == 1 and None not in sizes:
                return axis
    return None


@register_strip_rule(operation_class("Stack"))
class StackRule(StripRule):
    """Tensors side by side along a new axis."""

    def barrier(self, call):
        if self._axis(call) == 0:
            return Barrier.BATCH_AXIS
        return None

    def _axis(self, call):
        return call.layer.axis % len(call.output_shapes[0])

    def output_axes(self, call, axes):
        axis = axes[0]
        if axis is None:
            return [None]
        return [axis + (axis >= self._axis(call))]

    def forward(self, call, inputs):
        (axis,) = self.output_axes(call, [x.axis for x in inputs])
        value = np.stack([x.value for x in inputs])
        known = np.all([x.known for x in inputs], axis=0)
        known &= (value == value[0]).all(axis=0)
        return [Channels(axis, known, np.where(known, value[0], 0))]

    def backward(self, call, inputs, kept):
        return [kept[0]] * len(inputs)

    def plan(self, call, inputs, outputs, kept):
        channels = np.flatnonzero(kept[0])
        adapters = {i: x.adapt(channels) for i, x in enumerate(inputs)}
        return Step(adapters, [Selection.of(outputs[0], kept[0])])
