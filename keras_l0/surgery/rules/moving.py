"""Operations that give axes another place: permute, expand, squeeze."""

from keras import layers

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import StripRule


class MovingRule(StripRule):
    """Channels stay what they are; their axis may have another number."""

    def origins(self, call: Call) -> list[int | None]:
        """For each output axis the input axis that it was; None for a new."""
        raise NotImplementedError

    def barrier(self, call):
        if self.origins(call)[0] != 0:
            return Barrier.BATCH_AXIS
        return super().barrier(call)

    def input_axes(self, call, axes):
        return axes if axes[0] in self.origins(call) else [None]

    def output_axes(self, call, axes):
        origins = self.origins(call)
        return [None if axes[0] is None else origins.index(axes[0])]

    def commutes_with_scale(self, call):
        return True


@register_strip_rule(layers.Permute)
class PermuteRule(MovingRule):
    """`dims` counts from 1, behind the batch axis."""

    def origins(self, call):
        return [0, *call.layer.dims]


@register_strip_rule(operation_class("Transpose"))
class TransposeRule(MovingRule):
    """Any order of the axes; none given reverses them."""

    def origins(self, call):
        rank = len(call.input_shapes[0])
        axes = call.layer.axes or reversed(range(rank))
        return [axis % rank for axis in axes]


@register_strip_rule(operation_class("Swapaxes"))
class SwapaxesRule(MovingRule):
    """Two axes change places."""

    def origins(self, call):
        order = list(range(len(call.input_shapes[0])))
        first, second = call.layer.axis1, call.layer.axis2
        order[first], order[second] = order[second], order[first]
        return order


@register_strip_rule(operation_class("Moveaxis"))
class MoveaxisRule(MovingRule):
    """Some axes move, the others keep their order."""

    def origins(self, call):
        rank = len(call.input_shapes[0])
        layer = call.layer
        source, target = (
            [
                axis % rank
                for axis in (a if isinstance(a, list | tuple) else [a])
            ]
            for a in (layer.source, layer.destination)
        )
        order = [axis for axis in range(rank) if axis not in source]
        for place, axis in sorted(zip(target, source, strict=True)):
            order.insert(place, axis)
        return order


@register_strip_rule(operation_class("ExpandDims"))
class ExpandDimsRule(MovingRule):
    """New axes of size 1."""

    def origins(self, call):
        rank = len(call.output_shapes[0])
        new = _several(call.layer.axis, rank)
        old = iter(range(rank))
        return [None if axis in new else next(old) for axis in range(rank)]


@register_strip_rule(operation_class("Squeeze"))
class SqueezeRule(MovingRule):
    """Axes of size 1 disappear."""

    def barrier(self, call):
        if call.layer.axis is None:
            return Barrier.DYNAMIC_SHAPE  # which ones, the data may decide
        return super().barrier(call)

    def origins(self, call):
        rank = len(call.input_shapes[0])
        gone = _several(call.layer.axis, rank)
        return [axis for axis in range(rank) if axis not in gone]


def _several(axis, rank):
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return {a % rank for a in axes}
