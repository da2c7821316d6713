"""`keras-l0 inspect`: what is in a model, and what could go."""

from keras_l0.cli import paths
from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request

_DESCRIPTION = """\
Layers with their units, weights and multiply-accumulates. For a model with
gates: how many are open, what `keras-l0 strip` would remove, and what it would
leave whole, and why. For a model without gates: which layers `add_gates` can
gate, and why not the others. For a SavedModel: what it takes and returns; it
is not run.

    keras-l0 inspect model.keras
    keras-l0 inspect model.keras --json | jq .gates
"""


def _define_flags(flag_values):
    del flag_values  # Those of every command are enough.


def _run(request: Request) -> Answer:
    path = request.arguments["MODEL"]
    paths.check_model("MODEL", path)
    # Imported where they are needed: TensorFlow takes seconds.
    if paths.is_saved_model(path):
        from keras_l0.cli import saved_model
        from keras_l0.cli import saved_model_view

        info = saved_model.read_info("MODEL", path)
        return saved_model_view.view(path, info)

    from keras_l0.cli import loading
    from keras_l0.cli import model_view

    model = loading.load_model("MODEL", path, "give a file")
    return model_view.view(path, model)


COMMAND = Command(
    name="inspect",
    summary="Shows the layers of a model, its gates, and what could go.",
    description=_DESCRIPTION,
    arguments={"MODEL": "A .keras or .h5 file, or the folder of a SavedModel."},
    define_flags=_define_flags,
    run=_run,
)
