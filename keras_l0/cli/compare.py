"""`keras-l0 compare`: sizes, times and outputs of two models."""

import re

from absl import flags

from keras_l0.cli import paths
from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request
from keras_l0.cli.command import TaskError
from keras_l0.cli.command import UsageError

_QUANTIZATIONS = ("float16", "dynamic_range", "int8")
_DESCRIPTION = """\
Weights, multiply-accumulates, bytes of the files, time of LiteRT for one
example, and how far outputs are apart. A is the larger model, B the smaller
one:

    keras-l0 compare gated.keras small.keras    what stripping has changed
    keras-l0 compare dense.keras gated.keras    strips B, too
    keras-l0 compare dense.keras small.keras    two models without gates

SavedModels are compared by their files, times and outputs.
"""


def _define_flags(flag_values):
    flags.DEFINE_string(
        "data",
        None,
        "Inputs to compare outputs on: a .npy or .npz file; for several "
        "inputs a .npz file of arrays by the names of the inputs. The first "
        "example is the one that is timed. Without it, seeded random data.",
        flag_values=flag_values,
    )
    flags.DEFINE_multi_enum(
        "quantize",
        None,
        _QUANTIZATIONS,
        "Adds a row for B quantized, as in `keras-l0 export`. May be given "
        "several times; int8 is calibrated on `--data`.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "runs",
        200,
        "How often each model is timed, for 10 seconds at most.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "html",
        None,
        "Writes a report as one HTML file, too.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "overwrite",
        False,
        "Replace the file of `--html` if it exists.",
        flag_values=flag_values,
    )


def _check(request):
    options = request.options
    if "int8" in (options["quantize"] or ()) and not options["data"]:
        raise UsageError(
            "`--quantize=int8` needs `--data=FILE`: typical inputs, from which "
            "the ranges of the activations are read."
        )


def _run(request: Request) -> Answer:
    html, overwrite = request.options["html"], request.options["overwrite"]
    if html:
        paths.check_output("--html", html, overwrite)
    for name, path in request.arguments.items():
        paths.check_model(name, path)
    folders = [paths.is_saved_model(p) for p in request.arguments.values()]
    if any(folders):
        if html:
            raise TaskError(
                "`--html` shows layers, which a SavedModel does not keep. "
                "Give `.keras` files."
            )
        return _compare_folders(request)
    return _compare_models(request)


def _compare_folders(request):
    # Imported where they are needed: TensorFlow takes seconds.
    from keras_l0.cli import sides

    a, b = (
        sides.load_side(name, path) for name, path in request.arguments.items()
    )
    options = request.options
    comparison = sides.compare(
        a, b, options["data"], options["quantize"] or (), options["runs"]
    )
    return _answer(request, a.figures.name, comparison)


def _compare_models(request):
    from keras_l0 import report
    from keras_l0.cli import arrays
    from keras_l0.cli import loading

    a, b = (
        loading.load_model(name, path, "give a file")
        for name, path in request.arguments.items()
    )
    dense, gated, small = _roles(a, b)
    options = request.options
    data = arrays.data_for(b, "--data", options["data"])
    try:
        comparison = report.compare(
            dense,
            gated,
            small,
            data,
            quantize=options["quantize"] or (),
            runs=options["runs"],
        )
    except ValueError as error:
        names = {"model": "A", "small": "B", "gated": "AB"[gated is b]}
        raise TaskError(_renamed(str(error), names)) from error
    if options["html"]:
        title = " and ".join(request.arguments.values())
        report.to_html(
            options["html"],
            title=title,
            comparison=comparison,
            before=a,
            after=small,
            gated=gated,
        )
    return _answer(request, "dense" if gated is not a else "gated", comparison)


def _renamed(message, names):
    """A message of `report.compare` about A and B."""
    return re.sub(
        r"`(\w+)`",
        lambda found: names.get(found.group(1), found.group(0)),
        message,
    )


def _roles(a, b):
    """Which of `report.compare`'s models A and B are; the last is stripped."""
    from keras_l0.layers import has_gates
    from keras_l0.surgery import strip_gates

    if not has_gates(b):
        return (None, a, b) if has_gates(a) else (a, None, b)
    if has_gates(a):
        raise TaskError(
            "A and B both have gates, which hides what is to be compared. "
            "Strip B first: `keras-l0 strip B small.keras`."
        )
    return a, b, strip_gates(b)


def _answer(request, role_of_a, comparison):
    a, b = request.arguments.values()
    role_of_b = "stripped"
    if any(row.name == "gated" for row in comparison.models):
        role_of_b = "stripped" if role_of_a == "gated" else "gated"
    legend = f"A, {role_of_a}: {a}\nB, {role_of_b}: {b}\n\n"
    document = {
        "a": {"model": a, "row": role_of_a},
        "b": {"model": b, "row": role_of_b},
        **comparison.to_dict(),
    }
    return Answer(f"{legend}{comparison}", document)


COMMAND = Command(
    name="compare",
    summary="Compares two models: size, speed, outputs.",
    description=_DESCRIPTION,
    arguments={
        "A": "The larger model: a .keras or .h5 file, or a SavedModel.",
        "B": "The smaller one, likewise.",
    },
    define_flags=_define_flags,
    check=_check,
    run=_run,
    metavars={"data": "FILE", "html": "FILE"},
)
