"""Trains, strips and exports LeNet-300-100, a network of three dense layers.

Gates lie on the inputs of all three layers, the pixels included, as in the
L0-HC paper (Louizos et al., 2018), or on the outputs of the hidden layers.

    python -m examples.lenet_300_100
    python -m examples.lenet_300_100 --gate_on=outputs --l0=0.02
    python -m examples.lenet_300_100 --dataset=mnist --epochs=20 --l0=0.1
"""

import functools
from collections.abc import Sequence

import keras
from absl import app
from absl import flags

from examples import options
from examples import parts
from examples import training

IMAGE_SIZE = 28
DEFAULTS = options.Options(
    l0=(0.01, 0.01, 0.01),
    epochs=50,
    fine_tune_epochs=10,
    gate_learning_rate=0.1,
)
_PIXEL_DROP_RATE = 0.2


def build(
    image_shape: tuple[int, int, int] = (28, 28, 1),
    num_classes: int = 10,
    l0: Sequence[float] | None = None,
    gate_on: str = "inputs",
) -> keras.Model:
    """Builds the network, which gives the logits of the classes.

    Args:
        image_shape: Height, width and channels of the images.
        num_classes: Number of classes.
        l0: Prices of a weight of `fc1`, `fc2` and `fc3`, as in
            `keras_l0.L0Gate`. None, the default, builds the dense network.
        gate_on: `"inputs"` of all layers, or `"outputs"` of `fc1` and `fc2`;
            the logits of the classes are not gated. Defaults to `"inputs"`.
    """
    fc1, fc2, fc3 = [None] * 3 if l0 is None else l0
    rate = _PIXEL_DROP_RATE if gate_on == "inputs" else 0.5
    if gate_on == "outputs":
        fc3 = None
    images = keras.Input(image_shape)
    x = keras.layers.Flatten()(images)
    x = parts.apply(parts.dense("fc1", 300, "relu"), x, fc1, gate_on, rate)
    x = parts.apply(parts.dense("fc2", 100, "relu"), x, fc2, gate_on)
    logits = parts.apply(parts.dense("fc3", num_classes), x, fc3, gate_on)
    return keras.Model(images, logits, name="lenet_300_100")


def define_flags(flag_values: flags.FlagValues = flags.FLAGS) -> None:
    """Defines the flags of all examples, and `--gate_on`."""
    options.define_flags(DEFAULTS, flag_values)
    flags.DEFINE_enum(
        "gate_on",
        "inputs",
        ["inputs", "outputs"],
        "Gates on the inputs of all layers, or on the hidden units.",
        flag_values=flag_values,
    )


def main(
    argv: Sequence[str], flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Runs the example as the parsed flags say."""
    if argv[1:]:
        raise app.UsageError(f"Only flags are taken. Received: {argv[1:]}")
    chosen = options.parsed_options(DEFAULTS, flag_values)
    gate_on = flag_values["gate_on"].value
    training.run(functools.partial(build, gate_on=gate_on), IMAGE_SIZE, chosen)


if __name__ == "__main__":
    define_flags()
    flags.adopt_module_key_flags(options)
    app.run(main)
