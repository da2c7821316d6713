"""What an export tells its caller."""

import dataclasses

from keras_l0.internal.agreement import rounded


@dataclasses.dataclass(frozen=True)
class ExportResult:
    """What was written, and how well it agrees with the model it came from.

    Attributes:
        path: String, the file or folder as the caller named it.
        format: String, e.g. `"SavedModel"` or `"LiteRT int8"`.
        bytes: Integer, size of the file, or of all files in the folder.
        max_difference: Float, the largest absolute difference between outputs
            of what was written, once reloaded, and of the model that was
            given (in inference mode; with its gates, if it has any).
        max_reference: Float, the largest absolute output of that model: the
            scale against which to read `max_difference`.

    Example:

    >>> print(keras_l0.export.ExportResult("a", "SavedModel", 9120, 1e-7, 1.))
    a: SavedModel, 9,120 bytes, outputs differ by at most 1.0e-07 (they reach 1)
    """

    path: str
    format: str
    bytes: int
    max_difference: float
    max_reference: float

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.format}, {self.bytes:,} bytes, outputs "
            f"differ by at most {rounded(self.max_difference)} "
            f"(they reach {self.max_reference:.3g})"
        )
