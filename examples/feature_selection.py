"""Finds out which columns of a table matter, and leaves out the others.

Gates on the *inputs* of the first layer are gates on the columns. All of them
start open, a column costs `l0` for each weight that reads it, and those that
are not worth their price close. To the columns of scikit-learn's tables others
are added that hold nothing but noise.

Where columns say nearly the same, any of them may be kept: another seed may
keep others.

    python -m examples.feature_selection
    python -m examples.feature_selection --dataset=wine --noise_columns=0
"""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
from absl import app
from absl import flags

import keras_l0
from examples import compression
from examples import settings as common
from examples import tables


@dataclasses.dataclass(frozen=True)
class Settings(common.Settings):
    """The flags of this example."""

    dataset: str = common.flag("breast_cancer", "The table.", tables.NAMES)
    noise_columns: int = common.flag(30, "Columns of noise to add.", least=0)
    l0: float = common.flag(
        0.2, "Price of a weight times the number of training rows.", least=0
    )
    gate_learning_rate: float = common.flag(
        0.05, "Adam's, for the gates.", least=0
    )
    fine_tune_epochs: int = common.flag(
        30, "Further epochs, with the gates frozen.", least=0
    )
    hidden: int = common.flag(32, "Hidden units.", least=1)


DEFAULTS = Settings(
    output_dir="out/feature_selection",
    epochs=100,
    gate_epochs=80,
    batch_size=32,
)


def build(
    columns: int, num_classes: int, hidden: int = 32, l0: float | None = None
) -> keras.Model:
    """Builds the network, which gives the logits of the classes.

    Args:
        columns: Number of columns.
        num_classes: Number of classes.
        hidden: Hidden units.
        l0: Price of a weight, as in `keras_l0.L0Gate`. None, the default,
            builds the dense network.
    """
    table = keras.Input((columns,))
    layer = keras.layers.Dense(hidden, activation="relu", name="hidden")
    if l0 is not None:
        layer = keras_l0.L0Gate(
            layer,
            keras_l0.gates.HardConcrete(drop_rate=0.3),
            l0=l0,
            on="inputs",
            # Each row draws gates of its own: better where rows are few.
            noise_shape=(None, columns),
            name="columns",
        )
    logits = keras.layers.Dense(num_classes)(layer(table))
    model = keras.Model(table, logits, name="table")
    return model if l0 is None else keras_l0.L0Model.from_model(model)


def run(settings: Settings, table: tables.Table) -> dict:
    """Trains, selects, strips and exports; returns what `report.json` holds."""
    compression.begin(settings)
    data, names = table.data, table.names

    compression.heading(f"Train with all {len(names)} columns")
    dense = build(len(names), data.num_classes, settings.hidden)
    compression.fit(dense, data, settings.epochs, settings)

    compression.heading("Train with gates on the columns")
    price = settings.l0 / len(data.x_train)
    gated = build(len(names), data.num_classes, settings.hidden, price)
    compression.fit(
        gated,
        data,
        settings.gate_epochs,
        settings,
        gate_optimizer=keras.optimizers.Adam(settings.gate_learning_rate),
    )
    gated.freeze_gates()
    if settings.fine_tune_epochs:
        compression.fit(gated, data, settings.fine_tune_epochs, settings)

    compression.heading("Strip: the columns that are left")
    small = keras_l0.strip_gates(gated)
    gates = gated.get_layer("columns").gate_vector.deterministic_gate().numpy()
    for column in np.argsort(-gates)[: np.count_nonzero(gates)]:
        print(f"  {names[column]:<26}{gates[column]:.2f}")
    noise = np.count_nonzero(gates[len(names) - settings.noise_columns :])
    if settings.noise_columns:
        print(f"Of {settings.noise_columns} columns of noise {noise} are left.")
    _explain_inputs(small)

    compression.heading("Export, compare, and test once")
    models = {"dense": dense, "gated": gated, "stripped": small}
    return compression.finish(models, data, settings)


def _explain_inputs(small):
    kernel = small.get_layer("hidden").kernel
    operations = [type(each).__name__ for each in small.operations]
    print(
        f"The stripped network still takes rows of {small.input_shape[-1]} "
        f"columns, so that\nwhoever calls it need not change; it picks the "
        f"{kernel.shape[0]} that it reads by itself:\n{' -> '.join(operations)}"
    )


def main(argv: Sequence[str]) -> None:
    """Runs the example as the parsed flags say."""
    settings = common.parsed(DEFAULTS, argv)
    try:
        table = tables.load(settings.dataset, settings.noise_columns)
    except ImportError as error:
        raise SystemExit(f"Error: {error}") from error
    run(settings, table)


if __name__ == "__main__":
    common.define_flags(DEFAULTS)
    flags.adopt_module_key_flags(common)
    app.run(main)
