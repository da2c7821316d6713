"""The stock Keras model that is written for a gated one."""

import keras

from keras_l0.export import signature
from keras_l0.layers import has_gates
from keras_l0.surgery import strip_gates


def stock_model(model: keras.Model) -> keras.Model:
    """`model` stripped, and called as it was; itself if it has no gates."""
    if not has_gates(model):
        return model
    return signature.with_structure_of(strip_gates(model), model)
