"""Networks that the tests of gating share."""

import keras
from keras import layers


def residual(size=8):
    """A small residual network with an inverted residual behind it."""
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(size, 3, padding="same", name="stem")(x)
    y = layers.ReLU(name="stem_relu")(layers.BatchNormalization()(y))
    for i in range(2):
        z = layers.Conv2D(6, 3, padding="same", name=f"first_{i}")(y)
        z = layers.BatchNormalization(name=f"norm_{i}")(z)
        z = layers.Activation("relu", name=f"relu_{i}")(z)
        z = layers.Conv2D(size, 3, padding="same", name=f"second_{i}")(z)
        z = layers.BatchNormalization(name=f"out_{i}")(z)
        y = layers.ReLU(name=f"sum_relu_{i}")(layers.Add()([y, z]))
    z = layers.Conv2D(10, 1, name="expand")(y)
    z = layers.BatchNormalization()(layers.DepthwiseConv2D(3)(z))
    z = layers.ReLU(name="expand_relu")(z)
    s = layers.GlobalAveragePooling2D(keepdims=True)(z)
    s = layers.Conv2D(4, 1, activation="relu", name="squeeze")(s)
    s = layers.Conv2D(10, 1, activation="sigmoid", name="excite")(s)
    z = layers.Multiply()([z, s])
    z = layers.GlobalAveragePooling2D()(layers.Conv2D(7, 1, name="head")(z))
    return keras.Model(x, layers.Dense(3, name="top")(layers.ReLU()(z)))
