"""Shows what a SavedModel takes and returns."""

import dataclasses

from keras_l0.cli import saved_model
from keras_l0.cli.command import Answer
from keras_l0.report import table


def view(path: str, info: saved_model.SavedModelInfo) -> Answer:
    """What `keras-l0 inspect` says of a SavedModel."""
    rows = [("", "name", "shape", "type")]
    for kind, tensors in (("input", info.inputs), ("output", info.outputs)):
        rows += [
            (kind, tensor.name, str(tensor.shape), tensor.dtype)
            for tensor in tensors
        ]
    lines = [
        f"{path}: SavedModel, {info.params:,} parameters, {info.bytes:,} bytes",
        f"signatures: {', '.join(info.signatures)}",
        "",
        *table.aligned(rows),
        "",
        "A SavedModel keeps no layers: inspect the `.keras` file that it was "
        "exported",
        "from to see them.",
    ]
    document = {"model": path, "format": "saved_model"}
    return Answer("\n".join(lines), document | dataclasses.asdict(info))
