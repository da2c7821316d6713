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
            where all of them depend on all (softmax).
    """

    axis: int | None
    known: np.ndarray
    value: np.ndarray
    divisible: bool = True

    @classmethod
    def live(cls, axis: int | None, size: int, divisible: bool = True):
        """`size` channels of which nothing is known."""
        return cls(axis, np.zeros(size, bool), np.zeros(size), divisible)

    @classmethod
    def of_shape(cls, shape: tuple, axis: int | None = None):
        """Live channels along `axis` (the last one) of a tensor."""
        if axis is None and len(shape) > 1:
            axis = len(shape) - 1
        if axis is None or shape[axis] is None:
            return cls.live(None, 1, divisible=False)
        return cls.live(axis, shape[axis])

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
