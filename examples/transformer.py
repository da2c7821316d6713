"""Compresses a small Transformer: its attention heads and hidden units.

`add_gates` puts one gate on each head of `MultiHeadAttention` and one on each
hidden unit of the feed-forward networks. The residual stream is left as wide
as it is: each `LayerNormalization` needs all of it.

The task is to read a digit row by row: a sequence of rows, each a token.

    python -m examples.transformer
    python -m examples.transformer --macs=0.3 --layers=3
    python -m examples.transformer --dataset=mnist --epochs=5 --gate_epochs=5
"""

import dataclasses
from collections.abc import Sequence

import keras
from absl import app
from absl import flags

import keras_l0
from examples import compression
from examples import datasets
from examples import settings as common


@dataclasses.dataclass(frozen=True)
class Settings(common.Settings):
    """The flags of this example."""

    dataset: str = common.flag("digits", "Images to learn.", datasets.NAMES)
    macs: float = common.flag(
        0.4, "Multiplications that may be left.", least=0.01, most=1
    )
    layers: int = common.flag(2, "Layers of the encoder.", least=1)
    width: int = common.flag(32, "Width of the residual stream.", least=8)
    heads: int = common.flag(4, "Attention heads of each layer.", least=2)


DEFAULTS = Settings(output_dir="out/transformer")


def build(
    shape: tuple[int, int],
    num_classes: int,
    layers: int = 2,
    width: int = 32,
    heads: int = 4,
) -> keras.Model:
    """Builds the dense network, which gives the logits of the classes.

    Args:
        shape: Number of tokens, and of the features of each.
        num_classes: Number of classes.
        layers: Layers of the encoder.
        width: Width of the residual stream; there are twice as many hidden
            units.
        heads: Attention heads of each layer.
    """
    tokens = keras.Input(shape)
    # A bias for each token and feature: the token's position is learned.
    x = keras.layers.EinsumDense(
        "btf,fw->btw", (shape[0], width), bias_axes="tw", name="embedding"
    )(tokens)
    for number in range(1, layers + 1):
        attention = keras.layers.MultiHeadAttention(
            heads, width // heads, name=f"attention_{number}"
        )
        x = keras.layers.LayerNormalization()(x + attention(x, x))
        hidden = keras.layers.Dense(
            2 * width, activation="gelu", name=f"hidden_{number}"
        )
        back = keras.layers.Dense(width, name=f"back_{number}")
        x = keras.layers.LayerNormalization()(x + back(hidden(x)))
    x = keras.layers.GlobalAveragePooling1D()(x)
    logits = keras.layers.Dense(num_classes)(x)
    return keras.Model(tokens, logits, name="transformer")


def run(settings: Settings, data: datasets.Dataset) -> dict:
    """Trains, gates, strips and exports; returns what `report.json` holds."""
    compression.begin(settings)
    data = datasets.as_rows(data)

    compression.heading("Train the dense network")
    dense = build(
        data.x_train.shape[1:],
        data.num_classes,
        settings.layers,
        settings.width,
        settings.heads,
    )
    compression.fit(dense, data, settings.epochs, settings)

    compression.heading("Put gates on heads and hidden units, and train on")
    budget = keras_l0.Budget(macs=settings.macs)
    gated = keras_l0.add_gates(dense, budget=budget)
    compression.fit(gated, data, settings.gate_epochs, settings)

    compression.heading("Strip: remove what the gates have closed")
    small, stripping = keras_l0.strip_gates(gated, return_report=True)
    print(stripping)
    for name, (count, total) in compression.open_gates(gated).items():
        kind = "heads" if "attention" in name else "units"
        print(f"{name}: {count} of {total} {kind} left")

    compression.heading("Export, compare, and test once")
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
