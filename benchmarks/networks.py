"""The papers' two MNIST networks, dense or gated in any of three ways."""

import math
from collections.abc import Sequence

import keras

import keras_l0

IMAGE_SHAPE = (28, 28, 1)
NUM_CLASSES = 10

# Gated tensors as published: (on of each gated layer, initial drop rate).
PUBLISHED_LENET_300_100 = (("inputs",) * 3, (0.2, 0.5, 0.5))
PUBLISHED_LENET5 = (("outputs", "outputs", "inputs", "inputs"), (0.5,) * 4)


def lenet_300_100(
    on: Sequence[str | None],
    l0: Sequence[float] = (0.0,) * 3,
    drop_rate: Sequence[float] = (0.5,) * 3,
    per_example: bool = False,
) -> keras.Model:
    """784-300-100-10.

    Args:
        on: For each of the three layers, what its gates multiply; None leaves
            the layer dense.
        l0: Price of one weight, for each layer.
        drop_rate: Initial drop rate of the gates, for each layer.
        per_example: Whether every example has a draw of its own.

    Returns:
        model: Logits of the ten classes.
    """
    layers = [
        _dense(300, "relu", "fc1"),
        _dense(100, "relu", "fc2"),
        _dense(NUM_CLASSES, None, "fc3"),
    ]
    gated = map(_gate, layers, on, l0, drop_rate, [per_example] * 3)
    return keras.Sequential(
        [keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), *gated],
        name="lenet_300_100",
    )


def lenet5(
    on: Sequence[str | None],
    l0: Sequence[float] = (0.0,) * 4,
    drop_rate: Sequence[float] = (0.5,) * 4,
    per_example: bool = False,
) -> keras.Model:
    """The Caffe variant, 20-50-800-500; arguments as in `lenet_300_100`."""
    layers = [
        _conv(20, "conv1"),
        _conv(50, "conv2"),
        _dense(500, "relu", "fc1"),
        _dense(NUM_CLASSES, None, "fc2"),
    ]
    conv1, conv2, fc1, fc2 = map(_gate, layers, on, l0, drop_rate, [per_example] * 4)
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            conv1,
            keras.layers.MaxPooling2D(),
            conv2,
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            fc1,
            fc2,
        ],
        name="lenet5",
    )


def _dense(units, activation, name):
    return keras.layers.Dense(
        units, activation, kernel_initializer=_he_normal(), name=name
    )


def _conv(filters, name):
    return keras.layers.Conv2D(
        filters, 5, activation="relu", kernel_initializer=_he_normal(), name=name
    )


def _he_normal():
    """Normal(0, sqrt(2 / fan_in)), not truncated, as published."""
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")


def _gate(layer, on, l0, drop_rate, per_example):
    if on is None:
        return layer
    noise_shape = None
    if per_example:
        rank = 4 if isinstance(layer, keras.layers.Conv2D) else 2
        raise NotImplementedError
    return keras_l0.L0Gate(
        layer,
        gate=keras_l0.gates.HardConcrete(drop_rate=drop_rate),
        l0=l0,
        on=on,
        noise_shape=noise_shape,
        name=f"{layer.name}_gates",
    )
