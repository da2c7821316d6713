"""Small networks, dense: what budgets are tried on."""

import functools
from collections.abc import Callable

import keras
from keras import layers


def lenet5(shape: tuple[int, ...]) -> keras.Model:
    """LeNet-5, Caffe's variant."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(20, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(50, 5, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(500, activation="relu"),
            layers.Dense(10),
        ]
    )


def lenet_300_100(shape: tuple[int, ...]) -> keras.Model:
    """Two hidden layers."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Flatten(),
            layers.Dense(300, activation="relu"),
            layers.Dense(100, activation="relu"),
            layers.Dense(10),
        ]
    )


def residual(shape: tuple[int, ...], width: int = 16) -> keras.Model:
    """ResNet-14 for small images: three stages of two blocks.

    Args:
        shape: Shape of an image.
        width: Channels of the first stage; each stage has twice as many as
            the one before.
    """
    inputs = keras.Input(shape)
    x = _conv_norm(inputs, width)
    for number in range(3):
        channels, stride = width * 2**number, 1 + (number > 0)
        for step in (stride, 1):
            short = x
            if step > 1 or x.shape[-1] != channels:
                short = _conv_norm(x, channels, 1, step, relu=False)
            y = _conv_norm(x, channels, 3, step)
            y = _conv_norm(y, channels, relu=False)
            x = layers.ReLU()(layers.Add()([short, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10)(x))


def mobile(shape: tuple[int, ...]) -> keras.Model:
    """Inverted residuals, as in MobileNetV2."""
    inputs = keras.Input(shape)
    x = _conv_norm(inputs, 16)
    for width, stride in ((16, 1), (24, 2), (24, 1), (32, 2), (32, 1)):
        y = _conv_norm(x, 4 * x.shape[-1], 1)
        y = layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(y)
        y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
        y = _conv_norm(y, width, 1, relu=False)
        same = stride == 1 and x.shape[-1] == width
        x = layers.Add()([x, y]) if same else y
    x = layers.GlobalAveragePooling2D()(_conv_norm(x, 96, 1))
    return keras.Model(inputs, layers.Dense(10)(x))


def transformer(shape: tuple[int, ...]) -> keras.Model:
    """Two encoder blocks; the rows of an image are the tokens."""
    inputs = keras.Input(shape)
    x = layers.Reshape((shape[0], -1))(inputs)
    x = layers.Dense(48)(x)
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(6, 8)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(48)(layers.Dense(192, activation="gelu")(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(10)(x))


def recurrent(shape: tuple[int, ...]) -> keras.Model:
    """Two recurrent layers; the rows of an image are the steps."""
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Reshape((shape[0], -1)),
            layers.Bidirectional(layers.GRU(48, return_sequences=True)),
            layers.LSTM(96),
            layers.Dense(10),
        ]
    )


def _conv_norm(x, filters, kernel=3, strides=1, relu=True):
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False)(
        x
    )
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x) if relu else x


# Name -> how to build it, on which dataset.
NETWORKS: dict[str, tuple[Callable[[tuple], keras.Model], str]] = {
    "lenet5": (lenet5, "mnist"),
    "lenet_300_100": (lenet_300_100, "mnist"),
    "residual": (residual, "cifar10"),
    "wide_residual": (functools.partial(residual, width=32), "cifar10"),
    "mobile": (mobile, "cifar10"),
    "transformer": (transformer, "mnist"),
    "recurrent": (recurrent, "mnist"),
}
