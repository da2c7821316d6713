"""Gated networks that the tests of budgets share, and patterns for them."""

import keras
import numpy as np
from keras import layers

import keras_l0
from tests.gating.models import residual
from tests.surgery import random_values


def mlp(widths=(5, 4), features=3):
    """A perceptron with one output."""
    model = keras.Sequential([keras.Input((features,))])
    for width in widths:
        model.add(layers.Dense(width, activation="relu"))
    model.add(layers.Dense(1))
    return model


def convolutional():
    """Two convolutions with batch normalization."""
    x = keras.Input((6, 6, 2))
    y = x
    for width in (4, 5):
        y = layers.Conv2D(width, 3, padding="same")(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
    return keras.Model(x, layers.Dense(2)(layers.GlobalMaxPool2D()(y)))


def lenet():
    """Convolutions, then Flatten in front of dense layers."""
    x = keras.Input((12, 12, 1))
    y = layers.MaxPool2D()(layers.Conv2D(4, 3, activation="relu")(x))
    y = layers.MaxPool2D()(layers.Conv2D(5, 2, activation="relu")(y))
    y = layers.Dense(6, activation="relu")(layers.Flatten()(y))
    return keras.Model(x, layers.Dense(3)(y))


def inception():
    """Three branches that are concatenated."""
    x = keras.Input((5, 5, 3))
    y = layers.Conv2D(4, 1, activation="relu")(x)
    branches = [
        layers.Conv2D(3, size, padding="same", activation="relu")(y)
        for size in (1, 3)
    ]
    y = layers.Concatenate()([*branches, layers.MaxPool2D(3, 1, "same")(y)])
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, layers.Dense(2)(y))


def transformer():
    """One block: attention of three heads, then a wider layer."""
    x = keras.Input((5, 6))
    y = layers.MultiHeadAttention(3, 2)(x, x)
    y = layers.LayerNormalization()(layers.Add()([x, y]))
    z = layers.Dense(8, activation="gelu")(y)
    y = layers.Add()([y, layers.Dense(6)(z)])
    y = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(y))
    return keras.Model(x, layers.Dense(2)(y))


def recurrent(merge="sum"):
    """A recurrent layer for both ways, then one for one way."""
    x = keras.Input((4, 3))
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge)
    return keras.Model(x, layers.Dense(2)(layers.LSTM(4)(both(x))))


def shared():
    """Two inputs that the same layers read."""
    x, z = keras.Input((4,)), keras.Input((4,))
    below = layers.Dense(5, activation="relu")
    above = layers.Dense(4, activation="relu")
    y = layers.Concatenate()([above(below(x)), above(below(z))])
    return keras.Model([x, z], layers.Dense(2)(y))


def einsum():
    """A dense layer written as an equation."""
    x = keras.Input((4, 3))
    dense = layers.EinsumDense(
        "abc,cd->abd", (4, 5), bias_axes="d", activation="relu"
    )
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(dense(x))))


def separable():
    """A separable convolution behind a pointwise one."""
    x = keras.Input((6, 6, 3))
    y = layers.Conv2D(4, 1, activation="relu")(x)
    y = layers.SeparableConv2D(
        5, 3, depth_multiplier=2, activation="relu", padding="same"
    )(y)
    y = layers.GlobalAveragePooling2D()(y)
    return keras.Model(x, layers.Dense(2)(y))


def gated(make, **kwargs):
    """`make()` with weights that matter and gates on all units."""
    model = make()
    random_values.widen(model, np.random.default_rng(3))
    return keras_l0.add_gates(model, **kwargs)


def set_gates(model, rng, share=0.5):
    """Opens a random part of all gates, at least one of each vector.

    Returns:
        opened: Boolean `[all gates]`.
    """
    parts = []
    for vector in keras_l0.layers.gate_vectors(model).values():
        opened = rng.random(vector.num_gates) < share
        opened[rng.integers(opened.size)] = True
        values = random_values.OPEN, random_values.CLOSED
        vector.logits.assign(np.where(opened, *values))
        parts.append(opened)
    return np.concatenate(parts)


def stripped_cost(model):
    """Cost of the stripped network, counted on the network itself."""
    return keras_l0.cost.count(keras_l0.strip_gates(model))


FAMILIES = {
    "lenet": lambda: gated(lenet),
    "residual": lambda: gated(residual),
    "streams": lambda: gated(residual, streams=True),
    "inception": lambda: gated(inception),
    "transformer": lambda: gated(transformer),
    "transformer_streams": lambda: gated(transformer, streams=True),
    "recurrent": lambda: gated(recurrent),
    "shared": lambda: gated(shared),
    "einsum": lambda: gated(einsum),
    "separable": lambda: gated(separable),
}
