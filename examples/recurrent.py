"""Compresses a recurrent network: the units of its GRU or LSTM layers.

A gate on a unit of a recurrent layer also multiplies what the unit hands on to
the next step, so that a closed unit leaves the kernel, the recurrent kernel
and all layers behind it.

The task is to read a digit row by row, from top to bottom.

LiteRT has two ways to run a recurrent layer, and this program writes both: a
loop, which needs a fixed number of examples at once, and the steps one after
the other (`unroll=True`), which makes the file larger but can be computed in
8-bit integers.

    python -m examples.recurrent
    python -m examples.recurrent --cell=lstm
    python -m examples.recurrent --dataset=mnist --epochs=5 --gate_epochs=5
"""

import dataclasses
import os
from collections.abc import Sequence

import keras
from absl import app
from absl import flags

import keras_l0
from examples import compression
from examples import datasets
from examples import settings as common

CELLS = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


@dataclasses.dataclass(frozen=True)
class Settings(common.Settings):
    """The flags of this example."""

    dataset: str = common.flag("digits", "Images to learn.", datasets.NAMES)
    macs: float = common.flag(
        0.4, "Multiplications that may be left.", least=0.01, most=1
    )
    cell: str = common.flag("gru", "Kind of recurrent layers.", tuple(CELLS))
    units: int = common.flag(48, "Units of both recurrent layers.", least=2)


DEFAULTS = Settings(output_dir="out/recurrent")


def build(
    shape: tuple[int, int],
    num_classes: int,
    cell: str = "gru",
    units: int = 48,
) -> keras.Model:
    """Builds the dense network, which gives the logits of the classes.

    Args:
        shape: Number of steps, and of the features of each.
        num_classes: Number of classes.
        cell: `"gru"` or `"lstm"`.
        units: Units of each of two recurrent layers.
    """
    steps = keras.Input(shape)
    x = CELLS[cell](units, return_sequences=True, unroll=True, name="first")(
        steps
    )
    x = CELLS[cell](units, unroll=True, name="second")(x)
    logits = keras.layers.Dense(num_classes)(x)
    return keras.Model(steps, logits, name="recurrent")


def with_loops(model: keras.Model) -> keras.Model:
    """The same network for one example at once, its steps in a loop.

    Args:
        model: An unrolled network of stock layers.
    """

    def looped(layer):
        config = layer.get_config()
        if "unroll" in config:
            config["unroll"] = False
        return type(layer).from_config(config)

    shape = (1, *model.input_shape[1:])
    copy = keras.models.clone_model(
        model, keras.Input(batch_shape=shape), clone_function=looped
    )
    copy.set_weights(model.get_weights())
    return copy


def run(settings: Settings, data: datasets.Dataset) -> dict:
    """Trains, gates, strips and exports; returns what `report.json` holds."""
    compression.begin(settings)
    data = datasets.as_rows(data)

    compression.heading("Train the dense network")
    shape = data.x_train.shape[1:]
    dense = build(shape, data.num_classes, settings.cell, settings.units)
    compression.fit(dense, data, settings.epochs, settings)

    compression.heading("Put gates on its units, and train on")
    budget = keras_l0.Budget(macs=settings.macs)
    gated = keras_l0.add_gates(dense, budget=budget)
    compression.fit(gated, data, settings.gate_epochs, settings)

    compression.heading("Strip: remove what the gates have closed")
    small, stripping = keras_l0.strip_gates(gated, return_report=True)
    print(stripping)

    compression.heading("Export with a loop, for one example at once")
    print(
        keras_l0.export_litert(
            with_loops(small),
            os.path.join(settings.output_dir, "model_loop.tflite"),
            quantize="dynamic_range",
            probe=data.x_validation,
        )
    )

    compression.heading("Export unrolled, compare, and test once")
    models = {"dense": dense, "gated": gated, "stripped": small}
    return compression.finish(models, data, settings)


def main(argv: Sequence[str]) -> None:
    """Runs the example as the parsed flags say."""
    settings = common.parsed(DEFAULTS, argv)
    run(settings, compression.load_images(settings.dataset))


if __name__ == "__main__":
    common.define_flags(DEFAULTS)
    flags.adopt_module_key_flags(common)
    app.run(main)
