"""Layers that are called more than once: all calls get the same weights."""

import dataclasses

import numpy as np

from keras_l0.graph import Scale
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import StripRule


class Sharing:
    """Which calls use one set of weights.

    A smaller layer computes every channel that any of its calls needs, out of
    every input channel that any of them reads. A constant goes into its
    weights only if all calls agree on it; otherwise each call brings its own.

    Args:
        calls: The calls of a graph.
    """

    def __init__(self, calls: list[Call]):
        self._calls = calls
        users: dict[int, list[int]] = {}
        for index, call in enumerate(calls):
            if call.weights:
                users.setdefault(id(call.layer), []).append(index)
            elif isinstance(call.layer, Scale) and call.layer.keep:
                # Gates that are tied stay tied.
                vector = call.layer.wrapper.gate_vector
                users.setdefault(id(vector), []).append(index)
        self._groups: dict[int, list[int]] = {}
        for indices in users.values():
            if len(indices) > 1:
                self._split(calls, indices)

    def _split(self, calls, indices):
        """Calls of one layer whose weights are gated differently differ."""
        groups: list[list[int]] = []
        for index in indices:
            for group in groups:
                if equal_weights(calls[group[0]].weights, calls[index].weights):
                    group.append(index)
                    break
            else:
                groups.append([index])
        for group in groups:
            if len(group) > 1:
                self._groups.update(dict.fromkeys(group, group))

    def group(self, index: int) -> list[int]:
        """Indices of the calls that share weights with call `index`."""
        return self._groups.get(index, [index])

    def agree(
        self, rules: list[StripRule | Barrier], axes: dict[int, int | None]
    ) -> None:
        """Makes barriers of calls that cannot be followed together.

        These are calls that share with a barrier, and calls whose outputs are
        followed along different axes, or axes of different sizes: no channel
        of one of them is a channel of the other.

        Args:
            rules: One per call; they are changed.
            axes: Tensor number -> axis.
        """
        for index, group in self._groups.items():
            if isinstance(rules[index], Barrier):
                continue
            barriers = any(isinstance(rules[i], Barrier) for i in group)
            if barriers or not self._have_same_channels(group, axes):
                rules[index] = Barrier.SHARED_WEIGHTS

    def _have_same_channels(self, group, axes):
        calls = [self._calls[i] for i in group]
        if isinstance(calls[0].layer, Scale):
            return True  # as many as there are gates
        first, *others = [_places(call, axes) for call in calls]
        return all(first == other for other in others)


def _places(call, axes):
    """Axis, counted from the back, and number of channels of each output."""
    followed = [axes[tensor] for tensor in call.node.outputs]
    return [
        None if axis is None else (axis - len(shape), shape[axis])
        for axis, shape in zip(followed, call.output_shapes, strict=True)
    ]


def equal_weights(
    weights: dict[str, np.ndarray], others: dict[str, np.ndarray]
) -> bool:
    """Whether two calls of one layer use the same values."""
    return all(
        others[key] is value or np.array_equal(others[key], value)
        for key, value in weights.items()
    )


def agreed(own: Channels, others: list[Channels]) -> Channels:
    """`own`, where known only what is known, and the same, in all `others`.

    Nothing is known if there are not as many channels in all of them: weights,
    of which there is one set, are then not along these channels.
    """
    known = own.known
    for other in others:
        if other.size != own.size:
            known = np.zeros_like(known)
            break
        known = known & other.known & (other.value == own.value)
    return dataclasses.replace(own, known=known)
