"""Compresses a residual network that was already trained.

You have a trained Keras model, and want one that computes less. `add_gates`
copies it, weights included, and puts open gates on its units: its outputs do
not change by a bit, and it trains on from where it was.

    python -m examples.compress_trained
    python -m examples.compress_trained --macs=0.2 --nostreams
    python -m examples.compress_trained --dataset=cifar10 --epochs=10
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
    streams: bool = common.flag(
        True, "Whether residual streams are made narrower, too."
    )
    fine_tune_epochs: int = common.flag(
        5, "Epochs of the stripped network.", least=0
    )
    width: int = common.flag(16, "Channels of the first stage.", least=2)
    stages: int = common.flag(3, "Stages of the network.", least=1)
    blocks: int = common.flag(2, "Residual blocks of each stage.", least=1)


DEFAULTS = Settings(output_dir="out/compress_trained")


def build(
    image_shape: tuple[int, int, int],
    num_classes: int,
    width: int = 16,
    stages: int = 3,
    blocks: int = 2,
) -> keras.Model:
    """Builds the dense network, which gives the logits of the classes.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        width: Channels of the first stage; each stage has twice as many as
            the one before it, at half the resolution.
        stages: Number of stages.
        blocks: Residual blocks of each stage.
    """
    images = keras.Input(image_shape)
    x = _conv(width, 3)(images)
    x = _normalized(x)
    x = keras.layers.ReLU()(x)
    for stage in range(stages):
        for block in range(blocks):
            strides = 2 if stage > 0 and block == 0 else 1
            x = _residual_block(x, width * 2**stage, strides)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(num_classes)(x)
    return keras.Model(images, logits, name="residual")


def _residual_block(x, filters, strides):
    y = _conv(filters, 3, strides)(x)
    y = _normalized(y)
    y = keras.layers.ReLU()(y)
    y = _conv(filters, 3)(y)
    y = _normalized(y)
    if strides > 1:
        x = _conv(filters, 1, strides)(x)
        x = _normalized(x)
    return keras.layers.ReLU()(keras.layers.Add()([x, y]))


def _normalized(x):
    # A thousand digits are few steps: the averages must follow quickly.
    return keras.layers.BatchNormalization(momentum=0.9)(x)


def _conv(filters, size, strides=1):
    return keras.layers.Conv2D(
        filters, size, strides, padding="same", use_bias=False
    )


def run(settings: Settings, data: datasets.Dataset) -> dict:
    """Trains, gates, strips and exports; returns what `report.json` holds."""
    compression.begin(settings)

    compression.heading("Train a dense network; yours may come from anywhere")
    dense = build(
        data.x_train.shape[1:],
        data.num_classes,
        settings.width,
        settings.stages,
        settings.blocks,
    )
    compression.fit(dense, data, settings.epochs, settings)

    compression.heading("Put gates on it, and train on")
    budget = keras_l0.Budget(macs=settings.macs)
    gated = keras_l0.add_gates(dense, budget=budget, streams=settings.streams)
    compression.fit(gated, data, settings.gate_epochs, settings)

    compression.heading("Strip: remove what the gates have closed")
    small, stripping = keras_l0.strip_gates(gated, return_report=True)
    print(stripping)
    models = {"dense": dense, "gated": gated, "stripped": small}

    if settings.fine_tune_epochs:
        compression.heading("Fine-tune: what is left is a plain Keras model")
        models["fine-tuned"] = keras_l0.strip_gates(gated)
        compression.fit(
            models["fine-tuned"], data, settings.fine_tune_epochs, settings
        )

    compression.heading("Export, compare, and test once")
    return compression.finish(models, data, settings)


def main(argv: Sequence[str]) -> None:
    """Runs the example as the parsed flags say."""
    settings = common.parsed(DEFAULTS, argv)
    run(settings, compression.load_images(settings.dataset))


if __name__ == "__main__":
    common.define_flags(DEFAULTS)
    flags.adopt_module_key_flags(common)
    app.run(main)
