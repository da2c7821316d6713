"""Measures how far two functions' outputs lie apart, and how far they may."""

import dataclasses
from collections.abc import Sequence

import numpy as np

# Largest difference that counts as rounding, as a fraction of the output's
# scale. Rounding of one operation is 6e-8 (float32) of its result; a network
# has some hundred in a row, and graphs, fused kernels and eager execution add
# in different orders. What is wrong, a unit or a bias, shows above 1e-3.
TOLERANCES = {
    "float64": 1e-9,
    "float32": 1e-4,
    "float16": 5e-2,
    "bfloat16": 2e-1,
}
# An output that is meant to be 0 has no scale of its own.
_SMALLEST_SCALE = 1e-3


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How far outputs lie from reference outputs.

    Attributes:
        max_difference: Float, largest absolute difference.
        max_reference: Float, largest absolute finite reference value.
        relative: Float, the largest of the outputs' own differences, each
            divided by the scale of that output.
    """

    max_difference: float
    max_reference: float
    relative: float


def measure(
    references: Sequence[np.ndarray], outputs: Sequence[np.ndarray]
) -> Agreement:
    """Compares the outputs of two models, output by output.

    NaN agrees with NaN and an infinity with itself; anything else that is not
    finite on one side only is an infinite difference.

    Args:
        references: One array per output.
        outputs: Arrays of the same shapes.

    Raises:
        ValueError: if numbers or shapes of the outputs differ.
    """
    shapes = [np.shape(reference) for reference in references]
    found = [np.shape(output) for output in outputs]
    if shapes != found:
        raise ValueError(
            f"The outputs have other shapes. Expected {shapes}. "
            f"Received: {found}"
        )
    pairs = [
        (_largest_difference(reference, output), _scale(reference))
        for reference, output in zip(references, outputs, strict=True)
    ]
    return Agreement(
        max_difference=max(difference for difference, _ in pairs),
        max_reference=max(scale for _, scale in pairs),
        relative=max(
            difference / max(scale, _SMALLEST_SCALE)
            for difference, scale in pairs
        ),
    )


def worst(agreements: Sequence[Agreement]) -> Agreement:
    """The largest figure of each kind."""
    columns = zip(*map(dataclasses.astuple, agreements), strict=True)
    return Agreement(*map(max, columns))


def rounded(difference: float) -> str:
    """A difference in two digits, for a person to read."""
    return f"{difference:.1e}" if difference else "0"


def _largest_difference(reference, output):
    reference = np.asarray(reference, "float64")
    output = np.asarray(output, "float64")
    same = (reference == output) | (np.isnan(reference) & np.isnan(output))
    finite = np.isfinite(reference) & np.isfinite(output)
    if not np.all(same | finite):
        return float("inf")
    differences = np.abs(reference[finite] - output[finite])
    return float(differences.max(initial=0.0))


def _scale(reference):
    reference = np.asarray(reference, "float64")
    finite = np.abs(reference[np.isfinite(reference)])
    return float(finite.max(initial=0.0))
