"""`keras-l0 strip`: removes closed units and gates from a model file."""

from absl import flags

from keras_l0.cli import paths
from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request
from keras_l0.cli.command import UsageError

_DESCRIPTION = """\
For every input, in inference mode, OUT computes what MODEL computes, up to
rounding: the report says how far apart they are. MODEL is not touched.

A file or folder that is already at OUT stays as it is unless `--overwrite` is
given, and then until OUT is complete.

    keras-l0 strip gated.keras small.keras --round_to=8
    keras-l0 strip gated.keras small.keras --exclude='^head' --dry_run
"""


def _define_flags(flag_values):
    flags.DEFINE_integer(
        "min_units",
        0,
        "Units that each gated layer keeps at least.",
        lower_bound=0,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "round_to",
        1,
        "Each gated layer keeps a multiple of so many units, or all. "
        "`keras-l0 latency` suggests one.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_multi_string(
        "include",
        None,
        "Gates to follow: a regular expression that is searched for in the "
        "name of the gated layer. May be given several times.",
        flag_values=flag_values,
    )
    flags.DEFINE_multi_string(
        "exclude",
        None,
        "Gated layers to keep whole, likewise.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "keep_gates",
        False,
        "Keep the gates of the units that stay, to train on.",
        flag_values=flag_values,
    )
    flags.DEFINE_boolean(
        "dry_run", False, "Report only; write nothing.", flag_values=flag_values
    )
    flags.DEFINE_boolean(
        "overwrite", False, "Replace OUT if it exists.", flag_values=flag_values
    )


def _check(request):
    out = request.arguments["OUT"]
    ending = paths.suffix(out)
    if ending not in (".keras", paths.FOLDER):
        raise UsageError(
            "OUT must end in .keras, or have no suffix to be the folder of a "
            f"SavedModel. Received: {out}"
        )
    if ending == paths.FOLDER and request.options["keep_gates"]:
        raise UsageError(
            "A SavedModel holds no gates to train on: `--keep_gates` needs an "
            f"OUT that ends in .keras. Received: {out}"
        )


def _run(request: Request) -> Answer:
    # Imported where they are needed: TensorFlow takes seconds.
    from keras_l0.cli import loading
    from keras_l0.cli import writing
    from keras_l0.surgery import strip_gates

    path, out = request.arguments["MODEL"], request.arguments["OUT"]
    options = dict(request.options)
    dry_run, overwrite = options["dry_run"], options["overwrite"]
    if not dry_run:
        paths.check_output("OUT", out, overwrite)
    model = loading.load_model("MODEL", path, "there is nothing to strip")
    names = ("min_units", "round_to", "include", "exclude", "keep_gates")
    small, report = strip_gates(
        model, return_report=True, **{name: options[name] for name in names}
    )
    document = {"model": path, "out": None, "report": report.to_dict()}
    if dry_run:
        return Answer(f"{report}\nNothing is written.", document)
    size = writing.write(small, out)
    document |= {"out": out, "bytes": size}
    return Answer(f"{report}\n{out}: {size:,} bytes", document)


COMMAND = Command(
    name="strip",
    summary="Writes a model without the units that its gates have closed.",
    description=_DESCRIPTION,
    arguments={
        "MODEL": "A .keras or .h5 file.",
        "OUT": "A .keras file to write or, without a suffix, the folder of a "
        "SavedModel.",
    },
    define_flags=_define_flags,
    check=_check,
    run=_run,
    metavars={"include": "REGEX", "exclude": "REGEX"},
)
