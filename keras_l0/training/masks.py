"""Arrays of booleans as short text."""

import numpy as np


def pack(mask: np.ndarray) -> str:
    """The array as text: its length, and its bits as hexadecimal digits."""
    bits = np.packbits(np.asarray(mask, bool))
    return f"{len(mask)}:{bits.tobytes().hex()}"


def unpack(text: str) -> np.ndarray:
    """The array that `pack` made `text` of."""
    length, digits = text.split(":")
    bits = np.frombuffer(bytes.fromhex(digits), np.uint8)
    return np.unpackbits(bits, count=int(length)).astype(bool)
