"""`keras-l0 export`: writes a model for other programs."""

import dataclasses

from absl import flags

from keras_l0.cli import paths
from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request
from keras_l0.cli.command import TaskError
from keras_l0.cli.command import UsageError

_FORMATS = ("saved_model", "litert")
_QUANTIZATIONS = ("float16", "dynamic_range", "int8")
_DESCRIPTION = """\
A gated model is stripped on the way. What was written is loaded again and run
before it takes its place at OUT: the answer says how far its outputs are from
those of MODEL.

    keras-l0 export gated.keras model.tflite
    keras-l0 export gated.keras model.tflite --quantize=int8 \\
        --calibration=images.npy
    keras-l0 export gated.keras serving/1 --format=saved_model
"""


def _define_flags(flag_values):
    flags.DEFINE_enum(
        "format",
        None,
        _FORMATS,
        "What to write. Without it, OUT says: .tflite is LiteRT, no suffix is "
        "a SavedModel.",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "quantize",
        None,
        _QUANTIZATIONS,
        "LiteRT only: weights in float16, weights in int8 (dynamic_range), or "
        "weights and activations in int8.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "calibration",
        None,
        "For int8: .npy or .npz file of typical inputs, 100 or more; for "
        "several inputs a .npz file of arrays by the names of the inputs.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "overwrite", False, "Replace OUT if it exists.", flag_values=flag_values
    )


def _format(request):
    endings = {".tflite": "litert", paths.FOLDER: "saved_model"}
    chosen = request.options["format"]
    return chosen or endings.get(paths.suffix(request.arguments["OUT"]))


def _check(request):
    quantize = request.options["quantize"]
    calibration = request.options["calibration"]
    chosen = _format(request)
    if chosen is None:
        raise UsageError(
            "`--format` is needed where OUT does not end in .tflite. Expected "
            f"one of: {', '.join(_FORMATS)}. "
            f"Received: {request.arguments['OUT']}"
        )
    if quantize and chosen != "litert":
        raise UsageError(
            f"`--quantize` is for `--format=litert` only. Received: {quantize}"
        )
    if quantize == "int8" and not calibration:
        raise UsageError(
            "`--quantize=int8` needs `--calibration=FILE`: typical inputs, "
            "from which the ranges of the activations are read."
        )
    if calibration and quantize != "int8":
        raise UsageError(
            "`--calibration` is for `--quantize=int8` only. "
            f"Received: {calibration}"
        )


def _run(request: Request) -> Answer:
    paths.check_output(
        "OUT", request.arguments["OUT"], request.options["overwrite"]
    )
    paths.check_model("MODEL", request.arguments["MODEL"])
    if paths.is_saved_model(request.arguments["MODEL"]):
        return _convert_saved_model(request)
    return _export(request)


def _export(request):
    # Imported where they are needed: TensorFlow takes seconds.
    from keras_l0.cli import arrays
    from keras_l0.cli import loading
    from keras_l0.export import export_litert
    from keras_l0.export import export_saved_model

    path, out = request.arguments["MODEL"], request.arguments["OUT"]
    model = loading.load_model("MODEL", path, "give a file")
    if _format(request) == "saved_model":
        result = export_saved_model(model, out)
    else:
        calibration = arrays.data_for(
            model, "--calibration", request.options["calibration"]
        )
        result = export_litert(
            model, out, request.options["quantize"], calibration
        )
    return _answer(path, result)


def _convert_saved_model(request):
    path, out = request.arguments["MODEL"], request.arguments["OUT"]
    if _format(request) == "saved_model":
        raise TaskError(f"MODEL is a SavedModel already. Received: {path}")

    from keras_l0.cli import saved_model_export

    result = saved_model_export.export_litert(
        path, out, request.options["quantize"], request.options["calibration"]
    )
    return _answer(path, result)


def _answer(path, result):
    return Answer(str(result), {"model": path, **dataclasses.asdict(result)})


COMMAND = Command(
    name="export",
    summary="Writes a model as a SavedModel or as a LiteRT file.",
    description=_DESCRIPTION,
    arguments={
        "MODEL": "A .keras or .h5 file, or a SavedModel to convert to LiteRT.",
        "OUT": "A .tflite file, or the folder of a SavedModel.",
    },
    define_flags=_define_flags,
    check=_check,
    run=_run,
    metavars={"calibration": "FILE"},
)
