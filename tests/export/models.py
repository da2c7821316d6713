"""Small models for the tests of exports, with weights that matter."""

import keras
import numpy as np

import keras_l0
from tests import test_util


def spread(model: keras.Model) -> keras.Model:
    """Gives every weight a value of its own, biases and statistics included.

    Keras' initial values would hide a lost bias or a swapped axis.
    """
    generator = np.random.default_rng(test_util.test_seed())
    gates = {
        id(layer.gate_vector.logits)
        for layer in keras_l0.layers.gate_layers(model)
    }
    for variable in model.weights:
        if id(variable) in gates:
            continue
        low, high = (0.5, 1.5) if "variance" in variable.path else (-0.6, 0.6)
        variable.assign(generator.uniform(low, high, variable.shape))
    return model


def close_every_third(model: keras.Model) -> keras.Model:
    """Closes gates 0, 3, ... and leaves the others half or wholly open."""
    for layer in keras_l0.layers.gate_layers(model):
        vector = layer.gate_vector
        steps = np.arange(vector.num_gates) % 3
        vector.logits.assign(np.choose(steps, [-9.0, 0.3, 9.0]))
    return model


def gated_image_model() -> keras.Model:
    """A convolution with normalization and a dense layer, both gated."""
    return close_every_third(
        spread(
            keras.Sequential(
                [
                    keras.Input((6, 6, 2)),
                    keras.layers.Conv2D(6, 3, use_bias=False),
                    keras.layers.BatchNormalization(),
                    keras_l0.L0Gate(keras.layers.ReLU()),
                    keras.layers.Flatten(),
                    keras_l0.L0Gate(keras.layers.Dense(9, activation="relu")),
                    keras.layers.Dense(3),
                ],
                name="images",
            )
        )
    )


def gated_two_input_model(as_dict: bool = False) -> keras.Model:
    """Two inputs, two outputs; lists or dicts of them."""
    left = keras.Input((4,), name="left")
    right = keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    hidden = keras_l0.L0Gate(keras.layers.Dense(6, activation="relu"))(both)
    wide, narrow = keras.layers.Dense(3)(hidden), keras.layers.Dense(1)(hidden)
    inputs, outputs = [left, right], [wide, narrow]
    if as_dict:
        inputs = {"left": left, "right": right}
        outputs = {"wide": wide, "narrow": narrow}
    return close_every_third(spread(keras.Model(inputs, outputs)))


def embedding_model(dtype: str = "int32") -> keras.Model:
    """Indices below 7 in, as integers or as floats."""
    return spread(
        keras.Sequential(
            [
                keras.Input((5,), dtype=dtype),
                keras.layers.Embedding(7, 4),
                keras.layers.Flatten(),
                keras.layers.Dense(2),
            ]
        )
    )


def recurrent_model(batch_size: int | None = None, **kwargs) -> keras.Model:
    """An LSTM over 5 steps of 3 features."""
    return spread(
        keras.Sequential(
            [
                keras.Input(batch_shape=(batch_size, 5, 3)),
                keras.layers.LSTM(4, **kwargs),
                keras.layers.Dense(2),
            ],
            name="recurrent",
        )
    )


def mixed_model(dtype: str) -> keras.Model:
    """Layers of precision `dtype`, inside other layers and models as well."""
    inputs = keras.Input((4, 3))
    inner = keras.Sequential(
        [
            keras.layers.Dense(5, activation="relu", dtype=dtype),
            keras.layers.LayerNormalization(dtype=dtype),
        ]
    )
    steps = keras.layers.TimeDistributed(
        keras.layers.Dense(4, dtype=dtype), dtype=dtype
    )
    outputs = keras.ops.mean(steps(inner(inputs)), axis=1)
    return spread(keras.Model(inputs, outputs))
