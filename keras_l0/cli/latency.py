"""`keras-l0 latency`: the channel staircase of this machine."""

import re

from absl import flags

from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request
from keras_l0.cli.command import UsageError

_DESCRIPTION = """\
Kernels work on blocks of channels: between two multiples of the block a layer
with fewer channels may be no faster. Builds a layer of MODEL at several
widths, each as a network of its own with the layer's input, times them in
LiteRT in turns, and suggests a `--round_to` for `keras-l0 strip`: the largest
of 1, 2, 4, 8, 16 and 32 to which widths can be rounded up for 3 % more time at
most, on average.

    keras-l0 latency model.keras
    keras-l0 latency model.keras --layer=conv_2 --widths=8,12,16,20,24,32
    keras-l0 latency model.keras --all --threads=2
"""


def _define_flags(flag_values):
    flags.DEFINE_string(
        "widths",
        "auto",
        "Widths to time, the layer's own comes in any case; auto takes a "
        "quarter, a half and all of it, with 15 widths below the last two.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "layer",
        None,
        "Name of the layer to time; `keras-l0 inspect` lists them. Without "
        "it, the one with most multiply-accumulates.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "all", False, "Time every layer that can be.", flag_values=flag_values
    )
    flags.DEFINE_integer(
        "runs",
        200,
        "How often each width is timed, for 10 seconds a layer at most.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "threads",
        1,
        "Threads of LiteRT.",
        lower_bound=1,
        flag_values=flag_values,
    )


def _widths(request):
    """The widths, or None for auto."""
    text = request.options["widths"]
    if text == "auto":
        return None
    if not re.fullmatch(r"\s*[1-9]\d*\s*(,\s*[1-9]\d*\s*)*", text):
        raise UsageError(
            "`--widths` must be auto or positive integers with commas in "
            f"between. Received: {text}"
        )
    return sorted({int(width) for width in text.split(",")})


def _check(request):
    _widths(request)
    if request.options["all"] and request.options["layer"] is not None:
        raise UsageError(
            "`--layer` and `--all` exclude each other. "
            f"Received: --layer={request.options['layer']} --all"
        )


def _run(request: Request) -> Answer:
    # Imported where they are needed: TensorFlow takes seconds.
    from keras_l0.cli import loading
    from keras_l0.cli import staircase
    from keras_l0.cli import timed_layers

    path, options = request.arguments["MODEL"], request.options
    model = loading.load_model("MODEL", path, "there is no layer to time")
    layers = timed_layers.choose(model, options["layer"], options["all"])
    stairs = [
        staircase.measure(
            layer, _widths(request), options["runs"], options["threads"]
        )
        for layer in layers
    ]
    document = {
        "model": path,
        "threads": options["threads"],
        "runs": options["runs"],
        "layers": [stair.to_dict() for stair in stairs],
    }
    head = (
        f"{path}: median time of LiteRT for one example, "
        f"threads: {options['threads']}"
    )
    return Answer("\n\n".join([head, *map(str, stairs)]), document)


COMMAND = Command(
    name="latency",
    summary="Times layers at several widths, to choose `--round_to`.",
    description=_DESCRIPTION,
    arguments={"MODEL": "A .keras or .h5 file."},
    define_flags=_define_flags,
    check=_check,
    run=_run,
    metavars={"widths": "N,N,...", "layer": "NAME"},
)
