"""Which channels of an original tensor a smaller model holds, and where."""

import dataclasses

import keras
import numpy as np
from keras import ops

from keras_l0.surgery.channels import Channels


@dataclasses.dataclass(frozen=True)
class Adapter:
    """Turns the channels that are there into those that a consumer wants.

    Attributes:
        axis: The axis of the channels, or None: nothing to adapt.
        width: Number of channels that are there.
        positions: Integers `[m]`: where each wanted channel is found, -1 for
            a constant.
        scale: Float64 `[m]`, factor of each wanted channel.
        shift: Float64 `[m]`, added afterwards; the value of a constant.
    """

    axis: int | None
    width: int
    positions: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    @property
    def is_identity(self) -> bool:
        """Whether the tensor is wanted as it is."""
        return self.axis is None or (
            np.array_equal(self.positions, np.arange(self.width))
            and (self.scale == 1).all()
            and not self.shift.any()
        )

    def shifted(self, values: np.ndarray) -> "Adapter":
        """The adapter that adds `values` (float64 `[m]`) at the end."""
        return dataclasses.replace(self, shift=self.shift + values)

    def scaled(self, values: np.ndarray) -> "Adapter":
        """The adapter that multiplies by `values` (`[m]`) at the end."""
        return dataclasses.replace(
            self, scale=self.scale * values, shift=self.shift * values
        )

    def __call__(self, tensor: keras.KerasTensor) -> keras.KerasTensor:
        """Applies the adapter with stock operations."""
        if self.is_identity:
            return tensor
        if (self.positions < 0).any():
            # One channel of zeros at the end: position -1 finds it.
            padding = [(0, 0)] * len(tensor.shape)
            padding[self.axis] = (0, 1)
            tensor = ops.pad(tensor, padding)
        indices = np.where(self.positions < 0, self.width, self.positions)
        if not np.array_equal(indices, np.arange(tensor.shape[self.axis])):
            tensor = ops.take(tensor, indices.astype("int32"), axis=self.axis)
        scaled = (self.scale != 1).any()
        if scaled:
            tensor = tensor * self._along_axis(self.scale, tensor)
        if scaled or self.shift.any():
            # Keras adds a vector along the last axis if only the sizes fit,
            # whatever axis is meant; it subtracts as NumPy does. It also takes
            # a product with an array for sparse: hence a shift of 0, too.
            tensor = tensor - self._along_axis(-self.shift, tensor)
        return tensor

    def _along_axis(self, values, tensor):
        shape = [1] * len(tensor.shape)
        shape[self.axis] = values.size
        return ops.convert_to_tensor(values.reshape(shape), tensor.dtype)


@dataclasses.dataclass(frozen=True)
class Selection:
    """An original tensor, as the smaller model holds it.

    `original[c] = scale[c] * smaller[position[c]]` for each channel that is
    there, and `original[c] = value[c]` for each known constant.

    Attributes:
        channels: What the analysis knows of the original tensor.
        width: Number of channels in the smaller model; 0: no tensor at all.
        position: Integers `[n]`, -1 for a channel that is not there.
        scale: Float64 `[n]`: factors that a consumer has yet to apply.
        fixed: Float64 `[n]`, or None: further ones that no weights may absorb.
    """

    channels: Channels
    width: int
    position: np.ndarray
    scale: np.ndarray
    fixed: np.ndarray | None = None

    @classmethod
    def of(cls, channels: Channels, kept: np.ndarray) -> "Selection":
        """The channels `kept` (boolean `[n]`), in their order."""
        position = np.where(kept, np.cumsum(kept) - 1, -1)
        ones = np.ones(channels.size)
        return cls(channels, int(kept.sum()), position, ones)

    def with_channels(self, channels: Channels) -> "Selection":
        """The same places in a tensor of which `channels` is known."""
        return dataclasses.replace(self, channels=channels)

    def shared(self, channels: Channels) -> "Selection":
        """As a layer sees it that has other calls: factors are not its own."""
        ones = np.ones_like(self.scale)
        return dataclasses.replace(
            self, channels=channels, scale=ones, fixed=self.scale
        )

    def settled(self) -> "Selection":
        """The same for a layer that has no other calls."""
        if self.fixed is None:
            return self
        return dataclasses.replace(
            self, scale=self.scale * self.fixed, fixed=None
        )

    def adapt(
        self,
        wanted: np.ndarray,
        absorbed: bool = False,
        ones: int = 0,
    ) -> Adapter:
        """How a consumer gets the channels it wants.

        Args:
            wanted: Original channel numbers, each there or known.
            absorbed: Whether the consumer applies `scale` itself.
            ones: How many channels of constant 1 to append.
        """
        there = self.position[wanted] >= 0
        factors = np.ones_like(self.scale) if absorbed else self.scale
        if self.fixed is not None:
            factors = factors * self.fixed
        scale = np.where(there, factors[wanted], 1.0)
        shift = np.where(there, 0.0, self.channels.value[wanted])
        return Adapter(
            self.channels.axis,
            self.width,
            np.append(self.position[wanted], np.full(ones, -1)).astype(int),
            np.append(scale, np.ones(ones)),
            np.append(shift, np.ones(ones)),
        )

    def adapt_nothing(self) -> Adapter:
        """How a consumer gets just what is there."""
        width = self.width
        return Adapter(None, width, np.arange(width), np.ones(0), np.zeros(0))

    def adapt_all(self) -> Adapter:
        """How a consumer gets the original tensor, whole."""
        return self.adapt(np.arange(self.channels.size))
