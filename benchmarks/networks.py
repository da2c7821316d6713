"""The papers' two MNIST networks: dense, or gated in any of three ways.

The builders take the same arguments:

    on: For each layer, what its gates multiply; None leaves the layer dense.
        By default as published.
    l0: Price of one weight, for each layer.
    drop_rate: Initial drop rate of the gates, for each layer.
    per_example: Whether every example has a draw of its own.
    clamp: Bound of the logits.
    widths: Units of the hidden layers.
    gate: Gate family; None is HardConcrete with `drop_rate` and `clamp`. With
        a family the model is a `keras_l0.L0Model`.
    l2: Factor of half the squared norm of the weights behind open gates, or
        None; it does not train the gates.

and return a model that gives the logits of the ten classes.
"""

import math
from collections.abc import Sequence

import keras

import keras_l0

IMAGE_SHAPE = (28, 28, 1)
NUM_CLASSES = 10
# Values of one 4x4 map behind the second pooling of LeNet-5.
PIXELS_PER_MAP = 16


def lenet_300_100(
    on: Sequence[str | None] = ("inputs",) * 3,
    l0: Sequence[float] = (0.0,) * 3,
    drop_rate: Sequence[float] = (0.5,) * 3,
    per_example: bool = False,
    clamp: float = math.log(100),
    widths: Sequence[int] = (300, 100),
    gate: str | keras_l0.gates.Gate | None = None,
    l2: float | None = None,
) -> keras.Model:
    """784-300-100-10."""
    layers = [
        _dense("fc1", widths[0], "relu"),
        _dense("fc2", widths[1], "relu"),
        _dense("fc3", NUM_CLASSES),
    ]
    sizes = (784, *widths)
    gated = _gate_all(
        layers, sizes, on, l0, drop_rate, per_example, clamp, gate, l2
    )
    model = keras.Sequential(
        [keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), *gated],
        name="lenet_300_100",
    )
    return keras_l0.L0Model.from_model(model) if gate else model


def lenet5(
    on: Sequence[str | None] = ("outputs", "outputs", "inputs", "inputs"),
    l0: Sequence[float] = (0.0,) * 4,
    drop_rate: Sequence[float] = (0.5,) * 4,
    per_example: bool = False,
    clamp: float = math.log(100),
    widths: Sequence[int] = (20, 50, 500),
    gate: str | keras_l0.gates.Gate | None = None,
    l2: float | None = None,
) -> keras.Model:
    """The Caffe variant, 20-50-800-500."""
    layers = [
        _conv("conv1", widths[0]),
        _conv("conv2", widths[1]),
        _dense("fc1", widths[2], "relu"),
        _dense("fc2", NUM_CLASSES),
    ]
    sizes = (*widths[:2], PIXELS_PER_MAP * widths[1], widths[2])
    conv1, conv2, *dense = _gate_all(
        layers, sizes, on, l0, drop_rate, per_example, clamp, gate, l2
    )
    pool1, pool2 = keras.layers.MaxPooling2D(), keras.layers.MaxPooling2D()
    flatten = keras.layers.Flatten()
    model = keras.Sequential(
        [keras.Input(IMAGE_SHAPE), conv1, pool1, conv2, pool2, flatten, *dense],
        name="lenet5",
    )
    return keras_l0.L0Model.from_model(model) if gate else model


def _dense(name, units, activation=None):
    return keras.layers.Dense(
        units, activation, kernel_initializer=_he_normal(), name=name
    )


def _conv(name, filters):
    return keras.layers.Conv2D(
        filters,
        5,
        activation="relu",
        kernel_initializer=_he_normal(),
        name=name,
    )


def _he_normal():
    """Normal(0, sqrt(2 / fan_in)), not truncated, as published."""
    return keras.initializers.VarianceScaling(
        2.0, "fan_in", "untruncated_normal"
    )


def _gate_all(layers, sizes, on, l0, drop_rate, per_example, clamp, family, l2):
    """Gates each layer; `sizes` are the numbers of gates, for the draws."""
    gated = []
    for layer, size, target, price, rate in zip(
        layers, sizes, on, l0, drop_rate, strict=True
    ):
        rank = 4 if isinstance(layer, keras.layers.Conv2D) else 2
        noise_shape = (None, *[1] * (rank - 2), size) if per_example else None
        gated.append(
            layer
            if target is None
            else keras_l0.L0Gate(
                layer,
                gate=family
                or keras_l0.gates.HardConcrete(drop_rate=rate, clamp=clamp),
                l0=price,
                on=target,
                l2=l2,
                l2_detached=True,
                noise_shape=noise_shape,
                name=f"{layer.name}_gates",
            )
        )
    return gated
