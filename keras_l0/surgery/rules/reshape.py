"""Reshape: follows the units into the axes that their axis becomes."""

import dataclasses
import math

import numpy as np
from keras import layers

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


@dataclasses.dataclass(frozen=True)
class Block:
    """Input axes whose entries become those of some output axes, in order."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def blocks(before: tuple, after: tuple) -> list[Block] | None:
    """The finest division of a reshape into blocks.

    Args:
        before: Shape with the batch axis; sizes may be None.
        after: Shape of the result, likewise.

    Returns:
        blocks: Axes of size 1 are in none of them. None if the shapes do not
            say which axes belong together.
    """
    left = [axis for axis in range(1, len(before)) if before[axis] != 1]
    right = [axis for axis in range(1, len(after)) if after[axis] != 1]
    if before[0] != after[0]:
        return None
    found = []
    while left or right:
        block = _first_block(before, after, left, right)
        if block is None:
            return None
        found.append(block)
        left = left[len(block.inputs) :]
        right = right[len(block.outputs) :]
    return found


def _first_block(before, after, left, right):
    """Takes axes from both sides until their sizes agree."""
    if not left or not right:
        return None
    if before[left[0]] is None or after[right[0]] is None:
        if before[left[0]] is not after[right[0]]:
            return None
        return Block((left[0],), (right[0],))
    taken = [1, 1]
    sizes = [before[left[0]], after[right[0]]]
    while sizes[0] != sizes[1]:
        side = 0 if sizes[0] < sizes[1] else 1
        axes, shape = ((left, before), (right, after))[side]
        if taken[side] == len(axes) or shape[axes[taken[side]]] is None:
            return None
        sizes[side] *= shape[axes[taken[side]]]
        taken[side] += 1
    return Block(tuple(left[: taken[0]]), tuple(right[: taken[1]]))


@register_strip_rule(layers.Reshape)
@register_strip_rule(operation_class("Reshape"))
class ReshapeRule(StripRule):
    """One axis stays one, becomes several, or several become one.

    Where one axis of units becomes several, they are followed along the last:
    a channel there stands for the units of all positions before it.
    """

    def barrier(self, call):
        before, after = call.input_shapes[0], call.output_shapes[0]
        if blocks(before, after) is None:
            return Barrier.RESHAPED
        unknown = after[1:].count(None)
        if unknown > isinstance(call.layer, layers.Layer):
            return Barrier.DYNAMIC_SHAPE  # there is one -1 only
        return super().barrier(call)

    def input_axes(self, call, axes):
        """An axis whose block has one axis on one side, or none."""
        block = self._block(call, axes[0])
        if block and 1 in (len(block.inputs), len(block.outputs)):
            return axes
        return [None]

    def output_axes(self, call, axes):
        block = self._block(call, axes[0])
        return [block.outputs[-1] if block else None]

    def _block(self, call, axis):
        found = blocks(call.input_shapes[0], call.output_shapes[0])
        return next((b for b in found if axis in b.inputs), None)

    def _origin(self, call, axis):
        """Input channels of each output channel, `[channels, positions]`."""
        block = self._block(call, axis)
        shape = call.input_shapes[0]
        if len(block.inputs) > 1:  # one input channel per output channel
            along = [shape[a] for a in block.inputs]
            place = block.inputs.index(axis)
            return np.indices(along)[place].reshape(-1, 1)
        after = call.output_shapes[0]
        return np.arange(shape[axis]).reshape(-1, after[block.outputs[-1]]).T

    def forward(self, call, inputs):
        x = inputs[0]
        if x.axis is None:
            return [dataclasses.replace(x)]
        origin = self._origin(call, x.axis)
        known, value = x.known[origin], x.value[origin]
        known = known.all(axis=1) & (value == value[:, :1]).all(axis=1)
        (axis,) = self.output_axes(call, [x.axis])
        return [Channels(axis, known, np.where(known, value[:, 0], 0))]

    def backward(self, call, inputs, kept):
        x = inputs[0]
        if x.axis is None:
            return kept
        needed = np.zeros(x.size, bool)
        needed[self._origin(call, x.axis)[kept[0]]] = True
        return [needed]

    def plan(self, call, inputs, outputs, kept):
        x = inputs[0]
        if x.channels.axis is None:
            adapter, selection = x.adapt_all(), x.with_channels(outputs[0])
            return Step({0: adapter}, [selection])
        block = self._block(call, x.channels.axis)
        if len(block.inputs) > 1:
            return self._merge(call, x, outputs, block)
        if len(block.outputs) > 1:
            return self._split(call, x, outputs, kept)
        selection = x.with_channels(outputs[0])
        return Step(
            {0: x.adapt_nothing()},
            [selection],
            self._config(call, outputs[0].axis, x.width),
        )

    def _split(self, call, x, outputs, kept):
        wanted = self._origin(call, x.channels.axis)[kept[0]].T.ravel()
        selection = Selection.of(outputs[0], kept[0])
        config = self._config(call, outputs[0].axis, selection.width)
        return Step({0: x.adapt(wanted)}, [selection], config)

    def _merge(self, call, x, outputs, block):
        along = [call.input_shapes[0][a] for a in block.inputs]
        place = block.inputs.index(x.channels.axis)
        index = np.indices(along).reshape(len(along), -1)
        origin = index[place].copy()
        index[place] = np.maximum(x.position[origin], 0)
        along[place] = x.width
        position = np.ravel_multi_index(index, along, mode="clip")
        there = x.position[origin] >= 0
        selection = Selection(
            outputs[0],
            math.prod(along),
            np.where(there, position, -1),
            x.scale[origin],
        )
        config = self._config(call, outputs[0].axis, selection.width)
        return Step({0: x.adapt_nothing()}, [selection], config)

    def _config(self, call, axis, width):
        """The target shape with `width` channels."""
        shape = [-1 if size is None else size for size in call.output_shapes[0]]
        shape[axis] = width
        if isinstance(call.layer, layers.Layer):
            return {"target_shape": tuple(shape[1:])}
        return {"newshape": tuple(shape)}

    def commutes_with_scale(self, call):
        """Only where the gated axis is an axis before: see `_has_channels`."""
        found = blocks(call.input_shapes[0], call.output_shapes[0])
        return all(len(b.inputs) == len(b.outputs) for b in found)
