"""Compresses a keyword spotter for a microcontroller, down to 8-bit integers.

The network is a DS-CNN (Zhang et al., 2017, "Hello Edge"): depthwise
convolutions look along time and frequency, 1x1 convolutions mix channels. A
gate on a channel of a 1x1 convolution takes the depthwise filter behind it
along, and the input of the next 1x1 convolution.

The keywords are made up (`examples/keywords.py` says how): the accuracies show
that the network keeps what it has learned, and nothing about speech.

    python -m examples.keyword_spotting
    python -m examples.keyword_spotting --macs=0.2
"""

import dataclasses
from collections.abc import Sequence

import keras
from absl import app
from absl import flags

import keras_l0
from examples import compression
from examples import datasets
from examples import keywords
from examples import settings as common


@dataclasses.dataclass(frozen=True)
class Settings(common.Settings):
    """The flags of this example."""

    macs: float = common.flag(
        0.4, "Multiplications that may be left.", least=0.01, most=1
    )
    words: int = common.flag(1600, "How many words to make up.", least=80)
    width: int = common.flag(32, "Channels of each convolution.", least=2)
    blocks: int = common.flag(4, "Pairs of convolutions.", least=1)


DEFAULTS = Settings(output_dir="out/keyword_spotting")


def build(
    shape: tuple[int, int, int],
    num_classes: int,
    width: int = 32,
    blocks: int = 4,
) -> keras.Model:
    """Builds the dense network, which gives the logits of the words.

    Args:
        shape: Frames, mel bins and 1.
        num_classes: Number of words.
        width: Channels of each convolution.
        blocks: Pairs of a depthwise and a 1x1 convolution.
    """
    spectrograms = keras.Input(shape)
    x = keras.layers.Conv2D(
        width, (10, 4), strides=2, padding="same", use_bias=False, name="stem"
    )(spectrograms)
    x = _normalized(x)
    for number in range(1, blocks + 1):
        x = keras.layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, name=f"depthwise_{number}"
        )(x)
        x = _normalized(x)
        x = keras.layers.Conv2D(
            width, 1, use_bias=False, name=f"pointwise_{number}"
        )(x)
        x = _normalized(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(num_classes)(x)
    return keras.Model(spectrograms, logits, name="ds_cnn")


def _normalized(x):
    # A thousand words are few steps: the averages must follow quickly.
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.ReLU()(x)


def run(settings: Settings, data: datasets.Dataset) -> dict:
    """Trains, gates, strips and exports; returns what `report.json` holds."""
    compression.begin(settings)

    compression.heading("Train the dense network")
    dense = build(
        data.x_train.shape[1:],
        data.num_classes,
        settings.width,
        settings.blocks,
    )
    compression.fit(dense, data, settings.epochs, settings)

    compression.heading("Put gates on it, and train on")
    budget = keras_l0.Budget(macs=settings.macs)
    gated = keras_l0.add_gates(dense, budget=budget)
    compression.fit(gated, data, settings.gate_epochs, settings)

    compression.heading("Strip: remove what the gates have closed")
    small, stripping = keras_l0.strip_gates(gated, return_report=True)
    print(stripping)

    compression.heading("Export, compare, and test once")
    models = {"dense": dense, "gated": gated, "stripped": small}
    return compression.finish(models, data, settings)


def main(argv: Sequence[str]) -> None:
    """Runs the example as the parsed flags say."""
    settings = common.parsed(DEFAULTS, argv)
    run(settings, keywords.load(settings.words, settings.seed))


if __name__ == "__main__":
    common.define_flags(DEFAULTS)
    flags.adopt_module_key_flags(common)
    app.run(main)
