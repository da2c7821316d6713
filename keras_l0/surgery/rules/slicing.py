"""Operations that pick, reorder or add whole channels."""

import numpy as np

from keras_l0.graph import refs
from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection

FILLED = -1  # a channel that comes from no input channel


class SlicingRule(StripRule):
    """Output channels are input channels, or constants, in some order.

    Nothing is computed: whoever reads the result is told where its channels
    lie. Along an axis other than the channels' the operation stays.
    """

    def sources(self, call: Call, axis: int) -> list[np.ndarray] | None:
        """Per output, the input channel of each channel, or `FILLED`.

        None if the operation leaves this axis alone.
        """
        raise NotImplementedError

    def filling(self, call: Call) -> float:
        """The value of channels that are `FILLED`."""
        return 0.0

    def remaining(self, call: Call, axis: int) -> dict | None:
        """Config of what the operation does along the other axes, if any."""
        return None

    def barrier(self, call):
        return Barrier.EXTRA_INPUTS if len(call.input_shapes) > 1 else None

    def _sources(self, call, axis, size):
        found = None if axis is None else self.sources(call, axis)
        return found or [np.arange(size)] * len(call.output_shapes)

    def forward(self, call, inputs):
        x = inputs[0]
        axes = self.output_axes(call, [x.axis])
        found = self._sources(call, x.axis, x.size)
        filling = self.filling(call)
        return [
            Channels(
                axis,
                np.where(source == FILLED, True, x.known[source]),
                np.where(source == FILLED, filling, x.value[source]),
            )
            for axis, source in zip(axes, found, strict=True)
        ]

    def backward(self, call, inputs, kept):
        x = inputs[0]
        needed = np.zeros(x.size, bool)
        found = self._sources(call, x.axis, x.size)
        for source, part in zip(found, kept, strict=True):
            needed[source[part & (source != FILLED)]] = True
        if not needed.any():
            needed[0] = True  # a constant needs a tensor to be put into
        return [needed]

    def plan(self, call, inputs, outputs, kept):
        axis, size = inputs[0].channels.axis, inputs[0].channels.size
        found = self._sources(call, axis, size)
        adapter, x = self._put_in(call, inputs[0], outputs, found)
        selections = [
            Selection(
                channels,
                x.width,
                np.where(source == FILLED, -1, x.position[source]),
                x.scale[source],
            )
            for channels, source in zip(outputs, found, strict=True)
        ]
        moves = axis is not None and self.sources(call, axis) is not None
        config = self.remaining(call, axis) if moves else {}
        return Step({0: adapter}, selections, config)

    def _put_in(self, call, x, outputs, found):
        """The input, with what may not wait: constants that the outputs do
        not know, and factors that must not reach what is filled in.
        """
        lost = np.zeros(x.channels.size, bool)
        for channels, source in zip(outputs, found, strict=True):
            lost[source[~channels.known & (source != FILLED)]] = True
        lost &= x.channels.known & (x.position < 0)
        factors = (x.scale != 1).any() and self.filling(call) != 0
        if not lost.any() and not factors:
            return x.adapt_nothing(), x
        there = lost | (x.position >= 0)
        return x.adapt(np.flatnonzero(there)), Selection.of(x.channels, there)


@register_strip_rule(operation_class("Split"))
class SplitRule(SlicingRule):
    """Equal or unequal parts along one axis."""

    def sources(self, call, axis):
        if axis != call.layer.axis % len(call.input_shapes[0]):
            return None
        channels = np.arange(call.input_shapes[0][axis])
        return np.split(channels, call.layer.indices_or_sections)


@register_strip_rule(operation_class("Flip"))
class FlipRule(SlicingRule):
    """The order of the entries is reversed; `axis=None` means all axes."""

    def barrier(self, call):
        if call.layer.axis is None:
            return Barrier.BATCH_AXIS
        return super().barrier(call)

    def _axes(self, call):
        axes = np.atleast_1d(call.layer.axis)
        return [int(axis) % len(call.input_shapes[0]) for axis in axes]

    def sources(self, call, axis):
        if axis not in self._axes(call):
            return None
        return [np.arange(call.input_shapes[0][axis])[::-1]]

    def remaining(self, call, axis):
        others = [other for other in self._axes(call) if other != axis]
        return {"axis": tuple(others)} if others else None


@register_strip_rule(operation_class("Take"))
class TakeRule(SlicingRule):
    """Constant indices along one axis."""

    def barrier(self, call):
        if call.layer.axis is None or np.ndim(self._indices(call)) != 1:
            return Barrier.RESHAPED
        return super().barrier(call)

    def _indices(self, call):
        given = [*call.node.args[1:], *call.node.kwargs.values()]
        return np.asarray(given[0])

    def sources(self, call, axis):
        rank = len(call.input_shapes[0])
        if axis != call.layer.axis % rank:
            return None
        channels = np.arange(call.input_shapes[0][axis])
        return [channels[self._indices(call)]]


@register_strip_rule(operation_class("GetItem"))
class GetItemRule(SlicingRule):
    """`x[key]`, where the key holds slices, integers and an ellipsis."""

    def barrier(self, call):
        key = _key(call)
        fits = all(
            isinstance(part, int | slice) or part is Ellipsis for part in key
        )
        if list(refs(call.node.args[1:])) or not fits:
            return Barrier.EXTRA_INPUTS
        if self._parts(call)[0] != slice(None):
            return Barrier.BATCH_AXIS
        return super().barrier(call)

    def _parts(self, call):
        """One entry of the key per input axis."""
        key, rank = list(_key(call)), len(call.input_shapes[0])
        place = key.index(Ellipsis) if Ellipsis in key else len(key)
        missing = rank - len([part for part in key if part is not Ellipsis])
        key[place : place + 1] = [slice(None)] * missing
        return key

    def input_axes(self, call, axes):
        axis = axes[0]
        if axis is None or not isinstance(self._parts(call)[axis], slice):
            return [None]
        return axes

    def output_axes(self, call, axes):
        if axes[0] is None:
            return [None]
        before = self._parts(call)[: axes[0]]
        return [axes[0] - sum(isinstance(part, int) for part in before)]

    def sources(self, call, axis):
        part = self._parts(call)[axis]
        if part == slice(None):
            return None
        return [np.arange(call.input_shapes[0][axis])[part]]

    def remaining(self, call, axis):
        parts = self._parts(call)
        parts[axis] = slice(None)
        return None if parts == [slice(None)] * len(parts) else {}

    def plan(self, call, inputs, outputs, kept):
        step = super().plan(call, inputs, outputs, kept)
        axis = inputs[0].channels.axis
        if step.config is not None and axis is not None:
            parts = self._parts(call)
            parts[axis] = slice(None)
            step.arguments = ((call.node.args[0], tuple(parts)), {})
        return step


def _key(call):
    key = call.node.args[1]
    return key if isinstance(key, tuple) else (key,)


@register_strip_rule(operation_class("Pad"))
class PadRule(SlicingRule):
    """Padding; along the channels it adds constant ones."""

    def barrier(self, call):
        padding = call.layer.pad_width
        if len(padding) != len(call.input_shapes[0]):
            return Barrier.RESHAPED
        if any(padding[0]):
            return Barrier.BATCH_AXIS
        if list(refs(call.node.kwargs)):
            return Barrier.EXTRA_INPUTS
        return super().barrier(call)

    def input_axes(self, call, axes):
        """What mirrors the channels is not followed along them."""
        axis = axes[0]
        mirrors = call.layer.mode != "constant"
        if axis is not None and mirrors and any(call.layer.pad_width[axis]):
            return [None]
        return axes

    def filling(self, call):
        value = call.node.kwargs.get("constant_values")
        return 0.0 if value is None else float(value)

    def sources(self, call, axis):
        before, after = call.layer.pad_width[axis]
        if not before and not after:
            return None
        channels = np.arange(call.input_shapes[0][axis])
        return [np.pad(channels, (before, after), constant_values=FILLED)]

    def remaining(self, call, axis):
        padding = [tuple(pair) for pair in call.layer.pad_width]
        padding[axis] = (0, 0)
        if not any(map(any, padding)):
            return None
        return {"pad_width": tuple(padding)}

    def forward(self, call, inputs):
        """A constant stays one if what is padded with is the same."""
        x = inputs[0]
        padding = list(call.layer.pad_width)
        if x.axis is not None:
            padding[x.axis] = (0, 0)
        if any(map(any, padding)) and call.layer.mode == "constant":
            known = x.known & (x.value == self.filling(call))
            x = Channels(x.axis, known, np.where(known, x.value, 0))
        return super().forward(call, [x])
