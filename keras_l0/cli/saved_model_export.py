"""Writes a SavedModel as a LiteRT file."""

import numpy as np

from keras_l0.cli import arrays
from keras_l0.cli import saved_model
from keras_l0.export import ExportResult
from keras_l0.export import runners
from keras_l0.internal import agreement
from keras_l0.internal import files
from keras_l0.internal import inputs

_MADE_UP_ROWS = 3
_MOST_ROWS = 32


def export_litert(
    path: str, out: str, quantize: str | None, calibration: str | None
) -> ExportResult:
    """Converts a SavedModel, and runs both.

    Args:
        path: The folder of the SavedModel.
        out: The file to write.
        quantize: As in `keras_l0.export_litert`.
        calibration: File of typical inputs, for `"int8"`.

    Raises:
        RuntimeError: if it cannot be converted, or the outputs differ by more
            than rounding.
    """
    info = saved_model.read_info("MODEL", path)
    model = saved_model.stand_in(info)
    data = arrays.data_for(model, "--calibration", calibration)
    if data is None:
        data = inputs.made_up(model, _MADE_UP_ROWS)
    data = [data] if isinstance(data, np.ndarray) else data
    content = saved_model.convert(path, info, quantize, data)
    found = _agreement(path, info, content, data)
    if quantize in (None, "float16"):
        _check(found, agreement.TOLERANCES[quantize or "float32"])
    with files.atomic_file(out, "OUT") as temporary:
        with open(temporary, "wb") as file:
            file.write(content)
    return ExportResult(
        path=out,
        format=f"LiteRT {quantize or 'float32'}",
        bytes=len(content),
        max_difference=found.max_difference,
        max_reference=found.max_reference,
    )


def _agreement(path, info, content, data):
    """How far the outputs of the two are apart."""
    run = saved_model.run_saved_model(path, info)
    interpret = runners.interpreter(content).get_signature_runner()
    rows = info.inputs[0].shape[0] or 1
    found = []
    for batch in runners.in_chunks([x[:_MOST_ROWS] for x in data], rows):
        tensors = zip(info.inputs, batch, strict=True)
        outputs = interpret(**{tensor.name: x for tensor, x in tensors})
        given = [outputs[tensor.name] for tensor in info.outputs]
        found.append(agreement.measure(run(batch), given))
    return agreement.worst(found)


def _check(found, tolerance):
    if not found.relative <= tolerance:
        raise RuntimeError(
            "The LiteRT file does not compute what MODEL computes: outputs "
            f"differ by up to {found.max_difference:.1e} (largest output "
            f"{found.max_reference:.3g}). Nothing was written."
        )
