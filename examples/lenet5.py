"""Trains, strips and exports LeNet-5 (Caffe's variant, 20-50-800-500).

Gates lie on the feature maps of both convolutions and on the inputs of both
dense layers, as in the L0-HC paper (Louizos et al., 2018).

    python -m examples.lenet5
    python -m examples.lenet5 --dataset=mnist --epochs=20 --l0=0.1
"""

from collections.abc import Sequence

import keras
from absl import app
from absl import flags

from examples import options
from examples import parts
from examples import training

IMAGE_SIZE = 28
DEFAULTS = options.Options(
    l0=(0.02, 0.003, 0.002, 0.02),
    epochs=50,
    fine_tune_epochs=10,
    gate_learning_rate=0.1,
)


def build(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    l0: Sequence[float] | None = None,
) -> keras.Model:
    """Builds the network, which gives the logits of the classes.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        l0: Prices of a weight of `conv1`, `conv2`, `fc1` and `fc2`, as in
            `keras_l0.L0Gate`. None, the default, builds the dense network.
    """
    conv1, conv2, fc1, fc2 = [None] * 4 if l0 is None else l0
    images = keras.Input(image_shape)
    x = parts.apply(parts.conv("conv1", 20), images, conv1, "outputs")
    x = keras.layers.MaxPooling2D()(x)
    x = parts.apply(parts.conv("conv2", 50), x, conv2, "outputs")
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    x = parts.apply(parts.dense("fc1", 500, "relu"), x, fc1, "inputs")
    logits = parts.apply(parts.dense("fc2", num_classes), x, fc2, "inputs")
    return keras.Model(images, logits, name="lenet5")


def main(
    argv: Sequence[str], flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Runs the example as the parsed flags say."""
    if argv[1:]:
        raise app.UsageError(f"Only flags are taken. Received: {argv[1:]}")
    chosen = options.parsed_options(DEFAULTS, flag_values)
    training.run(build, IMAGE_SIZE, chosen)


if __name__ == "__main__":
    options.define_flags(DEFAULTS)
    flags.adopt_module_key_flags(options)
    app.run(main)
