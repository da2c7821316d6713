"""The base of rules that combine tensors entry by entry.

For the merging layers and for the operations of `keras.ops`; among the
operands of these may be constant arrays.
"""

import dataclasses

import numpy as np
from keras import layers

from keras_l0.graph import Ref
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


class ArithmeticRule(StripRule):
    """An entry of the output depends on the same entry of each operand.

    The channels of the operands are matched from the right. An operand of one
    channel, or without the axis, broadcasts: it stays as it is.
    """

    takes_keyword_tensors = True
    sums = False  # whether Keras computes it by `keras.ops.add`

    def combine(self, operands: list[np.ndarray]) -> np.ndarray:
        """The operation itself, on float64 arrays."""
        raise NotImplementedError

    def barrier(self, call):
        """Layers and operations match tensors of different rank otherwise."""
        ranks = {len(shape) for shape in call.input_shapes}
        return Barrier.BROADCASTING if len(ranks) > 1 else None

    def input_axes(self, call, axes):
        axis = self._axis(call, axes)
        return [axis] * len(axes)

    def _axis(self, call, axes):
        """The axis of an input that has all channels of the output."""
        for axis, shape in zip(axes, call.input_shapes, strict=True):
            if axis is not None and (
                shape[axis] == call.output_shapes[0][axis]
            ):
                # An axis of unknown size might broadcast, or not.
                unknown = None in [shape[axis] for shape in call.input_shapes]
                return None if unknown else axis
        return None

    def forward(self, call, inputs):
        size = max(x.size for x in inputs)
        wide = [_broadcast(x, size) for x in inputs]
        known = np.all([x.known for x in wide], axis=0)
        value = self._evaluate(call, wide, size)
        uniform = (value == value[:1]).all(axis=0) & np.isfinite(value[0])
        known = known & uniform
        value = np.where(known, value[0], 0)
        known = known | self._vanishing_product(call, wide)
        return [Channels(inputs[0].axis, known, value)]

    def _vanishing_product(self, call, wide):
        """Channels that are 0 because one operand is."""
        return np.zeros(wide[0].size, bool)

    def _evaluate(self, call, wide, size):
        """Values for the constants, float64 `[entries, size]`."""
        axis, rank = wide[0].axis, len(call.output_shapes[0])
        shape = [1] * rank
        if axis is not None:
            shape[axis] = size
        values = iter(x.value.reshape(shape) for x in wide)
        arrays = [
            next(values) if isinstance(operand, Ref) else _array(operand)
            for operand in operands(call)
        ]
        with np.errstate(all="ignore"):
            result = np.asarray(self.combine(arrays), "float64")
        if axis is None:
            return result.reshape(-1, 1)
        return np.moveaxis(result, axis, -1).reshape(-1, size)

    def backward(self, call, inputs, kept):
        gone = self._gone(call, inputs, kept[0])
        parts = [np.zeros(x.size, bool) for x in inputs]
        for i, x in enumerate(inputs):
            if i in gone:
                continue
            wanted = kept[0] if x.size == kept[0].size else np.ones(1, bool)
            parts[i] = wanted & ~x.known
            if not parts[i].any():
                parts[i][np.argmax(wanted)] = True  # the tensor must be there
        return parts

    def _gone(self, call, inputs, kept):
        """Operands whose constants go elsewhere.

        One operand of the shape of the output must remain.
        """
        gone = {
            i
            for i, x in enumerate(inputs)
            if self.drops(call, i)
            and x.known[kept if x.size == kept.size else [True]].all()
        }
        whole = [
            i
            for i, shape in enumerate(call.input_shapes)
            if shape == call.output_shapes[0]
        ]
        if whole and gone.issuperset(whole):
            gone -= {whole[0]}
        return gone if whole else set()

    def drops(self, call: Call, i: int) -> bool:
        """Whether input `i` can be left out where it is constant."""
        return False

    def plan(self, call, inputs, outputs, kept):
        channels = self._channels(call, kept[0])
        gone = self._gone(call, [x.channels for x in inputs], kept[0])
        adapters = {}
        for i, x in enumerate(inputs):
            if i not in gone:
                full = x.channels.size == kept[0].size
                adapters[i] = x.adapt(channels) if full else x.adapt_all()
        folded = 0
        if gone:
            constants = [
                _broadcast(inputs[i].channels, kept[0].size).value[channels]
                for i in sorted(gone)
            ]
            first = next(
                i
                for i in adapters
                if call.input_shapes[i] == call.output_shapes[0]
            )
            adapters[first] = self.put_in(adapters[first], constants)
            folded = sum(int(np.count_nonzero(c)) for c in constants)
        alone = len(adapters) == 1 and len(operands(call)) == 1 + len(gone)
        selection = Selection.of(outputs[0], kept[0])
        return Step(
            adapters,
            [dataclasses.replace(selection, width=channels.size)],
            None if alone else {},
            folded=folded,
            arguments=_narrow(call, inputs[0].channels.axis, channels),
        )

    def _channels(self, call, kept):
        """Channels to compute; one more than needed where Keras needs two.

        Keras adds a tensor of one axis longer than 1 along the last axis or
        axis 1 if only the sizes fit: a batch might be taken for units.
        """
        channels = np.flatnonzero(kept)
        if self.sums and channels.size == 1 and len({*call.input_shapes}) > 1:
            return np.repeat(channels, 2)
        return channels

    def put_in(self, adapter, constants):
        """The adapter that also does what the operands that are gone did."""
        raise NotImplementedError


def operands(call: Call) -> list:
    """What a call combines: a `Ref` for each tensor, and constants."""
    arguments = [*call.node.args, *call.node.kwargs.values()]
    if isinstance(call.layer, layers.Layer):
        return list(arguments[0])
    return arguments


def _array(constant):
    return np.asarray(constant, "float64")


def _broadcast(x: Channels, size: int) -> Channels:
    if x.size == size:
        return x
    known, value = np.repeat(x.known, size), np.repeat(x.value, size)
    return dataclasses.replace(x, known=known, value=value)


def _narrow(call, axis, channels):
    """The arguments, with only these channels of the constants among them."""
    if isinstance(call.layer, layers.Layer) or axis is None:
        return None
    behind = axis - len(call.output_shapes[0])

    def narrow(operand):
        if isinstance(operand, Ref):
            return operand
        array = np.asarray(operand)
        if array.ndim < -behind or array.shape[behind] == 1:
            return operand
        return np.take(array, channels, behind)

    node = call.node
    return (
        tuple(narrow(operand) for operand in node.args),
        {key: narrow(operand) for key, operand in node.kwargs.items()},
    )
