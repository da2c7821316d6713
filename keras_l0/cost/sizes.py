"""Products of sizes, of which Keras may not know some."""

import math
from collections.abc import Iterable


def product(*sizes: int | None) -> int | None:
    """The product, or None if a size is open."""
    return None if None in sizes else math.prod(sizes)


def positions(shape: Iterable[int | None], data_format: str) -> int | None:
    """Number of pixels (or steps, or voxels) of one example of an image."""
    spatial = shape[2:] if data_format == "channels_first" else shape[1:-1]
    return product(*spatial)


def channels(shape: tuple, data_format: str) -> int | None:
    """Size of the channel axis."""
    return shape[1] if data_format == "channels_first" else shape[-1]
