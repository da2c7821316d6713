"""What is known of a tensor's channels: the lattice of the analysis."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Channels:
    """The channels along one axis of a tensor, in inference mode.

    A channel is a *known constant* if, for every input of the model, every
    entry of the channel has the same known value; otherwise it is *live*.

    Attributes:
        axis: The axis, counted from the front, or None for a tensor that has
            no axis to follow; it then counts as one live channel.
        known: Boolean `[n]`.
        value: Float64 `[n]`, meaningful where `known`.
        divisible: Whether the producer can leave single channels out. False
            where all of them depend on all (softmax), and for what is copied.

    Example:

    >>> x = keras_l0.surgery.Channels.live(axis=1, size=3)
    >>> x.kept(np.array([True, False, True]))
    array([ True, False,  True])
    """

    axis: int | None
    known: np.ndarray
    value: np.ndarray
    divisible: bool = True

    @classmethod
    def live(
        cls, axis: int | None, size: int, divisible: bool = True
    ) -> "Channels":
        """`size` channels of which nothing is known."""
        return cls(axis, np.zeros(size, bool), np.zeros(size), divisible)

    @classmethod
    def whole(cls, shape: tuple, axis: int | None) -> "Channels":
        """Live channels of a tensor that is there as a whole or not at all."""
        size = 1 if axis is None else shape[axis]
        return cls.live(axis, size, divisible=False)

    @property
    def size(self) -> int:
        """Number of channels."""
        return self.known.size

    @property
    def nonzero(self) -> np.ndarray:
        """Boolean `[n]`: known, with a value other than 0."""
        return self.known & (self.value != 0)

    def kept(self, needed: np.ndarray) -> np.ndarray:
        """Channels that the smaller model computes, given those needed.

        A needed constant is put in by its consumer, unless there is nothing
        else to carry it: then the first needed channel is computed after all.

        Args:
            needed: Boolean `[n]`.
        """
        if not needed.any():
            return np.zeros_like(needed)
        if not self.divisible:
            return np.ones_like(needed)
        kept = needed & ~self.known
        if not kept.any():
            kept[np.argmax(needed)] = True
        return kept


def default_axis(shape: tuple) -> int | None:
    """The axis to follow where no rule asks for one: the last.

    None if its size is not known, or if the tensor has a batch axis only.
    """
    if len(shape) > 1 and shape[-1] is not None:
        return len(shape) - 1
    return None
