"""Which channels of a call depend on which, read off its strip rule.

The rule is asked about a call whose weights are all ones: what counts is how
the operation moves channels, not what it has learned so far.
"""

import dataclasses

import numpy as np

from keras_l0.surgery.channels import Channels
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import StripRule

# In place of a channel's number: it depends on none, or on more than one.
NONE, MANY = -1, -2


@dataclasses.dataclass(frozen=True)
class Reach:
    """What joins one input of a call to one of its outputs.

    Attributes:
        source: Integers `[outputs]`: the input channel without which the
            output channel is a constant; `NONE`, or `MANY`.
        reader: Integers `[inputs]`: the output channel that the input channel
            is needed for; `NONE`, or `MANY`.
        decides: Whether the output is constant as soon as this input is, as
            in a product; otherwise all inputs must be.
    """

    source: np.ndarray
    reader: np.ndarray
    decides: bool


class Probe:
    """Asks the rule of one call.

    Args:
        call: The call.
        rule: Its rule.
        axes: Axis of the channels of each input.
        sizes: Number of channels of each input.
    """

    def __init__(
        self,
        call: Call,
        rule: StripRule,
        axes: list[int | None],
        sizes: list[int],
    ):
        ones = {
            name: np.broadcast_to(np.ones((), value.dtype), value.shape)
            for name, value in call.weights.items()
        }
        node = dataclasses.replace(call.node, weights=ones)
        self._call = dataclasses.replace(call, node=node)
        self._rule, self._axes, self._sizes = rule, axes, sizes
        outputs = self._forward([np.zeros(n, bool) for n in sizes])
        self.sizes = [channels.size for channels in outputs]
        self.divisible = [channels.divisible for channels in outputs]

    def reach(self, place: int, output: int) -> Reach:
        """What joins input number `place` to output number `output`."""
        if self._needs_all(place, output):
            source = np.full(self.sizes[output], MANY)
            return Reach(source, np.full(self._sizes[place], MANY), False)
        reader = _decode(
            self.sizes[output], lambda kept: self._needed(place, output, kept)
        )
        source = self._sources(place, output, constant=True)
        alone = self._sources(place, output, constant=False)
        decides = bool((alone >= 0).any())
        return Reach(alone if decides else source, reader, decides)

    def _needs_all(self, place, output):
        """Whether one output channel, first or last, needs the whole input."""
        size = self.sizes[output]
        for channel in (0, size - 1):
            kept = np.arange(size) == channel
            if not self._needed(place, output, kept).all():
                return False
        return self._sizes[place] > 1 or size > 1

    def _sources(self, place, output, constant):
        """`Reach.source` where the other inputs are constant, or vary."""

        def live(flags):
            known = [np.full(n, constant) for n in self._sizes]
            known[place] = ~flags
            return ~self._forward(known)[output].known

        return _decode(self._sizes[place], live)

    def _channels(self, known):
        return [
            Channels(axis, flags, np.zeros(flags.size))
            for axis, flags in zip(self._axes, known, strict=True)
        ]

    def _forward(self, known):
        return self._rule.forward(self._call, self._channels(known))

    def _needed(self, place, output, kept):
        if not kept.any():
            return np.zeros(self._sizes[place], bool)
        flags = [np.zeros(n, bool) for n in self.sizes]
        flags[output] = kept
        inputs = self._channels([np.zeros(n, bool) for n in self._sizes])
        return self._rule.backward(self._call, inputs, flags)[place]


def _decode(count, ask):
    """For each answer the question that decides it, by the bits of its number.

    Args:
        count: Number of questions.
        ask: From which questions are set, boolean `[count]`, to the answers,
            boolean `[answers]`.
    """
    numbers, found = np.arange(count), 0
    single, none = True, True
    for bit in range(max(1, (count - 1).bit_length())):
        is_set = (numbers >> bit) % 2 == 1
        with_bit, without = ask(is_set), ask(~is_set)
        single = single & (with_bit != without)
        none = none & ~with_bit & ~without
        found = found | (with_bit.astype(int) << bit)
    return np.where(single, found, np.where(none, NONE, MANY))
