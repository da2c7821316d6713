"""The stock Keras model that is written for a gated one."""

import keras

from keras_l0.layers import has_gates
from keras_l0.surgery import strip_gates


def stock_model(model: keras.Model) -> keras.Model:
    """`model` stripped, or itself if it has no gates."""
    return strip_gates(model) if has_gates(model) else model
