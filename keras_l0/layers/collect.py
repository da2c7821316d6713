"""Finds the gates of a model."""

import itertools

import keras
import tensorflow as tf

from keras_l0.internal import keras_internals
from keras_l0.layers.gate_vector import GateVector
from keras_l0.layers.l0_gate import L0Gate


def gate_layers(model: keras.Model) -> list[L0Gate]:
    """Every `L0Gate` of `model`, each once, nested models included.

    Args:
        model: Any Keras model or layer.

    Returns:
        layers: In the order in which Keras holds them.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3), name="gated")
    >>> model = keras.Sequential([keras.Input((2,)), gated])
    >>> [layer.name for layer in keras_l0.layers.gate_layers(model)]
    ['gated']
    """
    return [
        layer
        for layer in keras_internals.flatten_layers(model)
        if isinstance(layer, L0Gate)
    ]


def gate_vectors(model: keras.Model) -> dict[str, GateVector]:
    """Every gate vector of `model`, each once.

    Args:
        model: Any Keras model or layer.

    Returns:
        vectors: Name of the first wrapper that holds the vector -> vector.
            Of wrappers of one name, which nested models may have, the later
            ones have a number appended.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3), name="gated")
    >>> model = keras.Sequential([keras.Input((2,)), gated])
    >>> keras_l0.layers.gate_vectors(model)["gated"].num_gates
    3
    """
    vectors: dict[str, GateVector] = {}
    for layer in gate_layers(model):
        if not any(layer.gate_vector is known for known in vectors.values()):
            vectors[_unused(layer.name, vectors)] = layer.gate_vector
    return vectors


def has_gates(model: keras.Model) -> bool:
    """Whether `model` holds an `L0Gate` at any depth.

    Args:
        model: Any Keras model or layer.

    Example:

    >>> keras_l0.layers.has_gates(keras.Sequential([keras.layers.Dense(1)]))
    False
    """
    return bool(gate_layers(model))


def open_share(layers: list[L0Gate]) -> tf.Tensor:
    """Share of the gates of some layers that are open in inference.

    Args:
        layers: Any; gates that several of them share count once.

    Returns:
        share: Float32 scalar.
    """
    vectors = {id(layer.gate_vector): layer.gate_vector for layer in layers}
    # One by one: what XLA makes of a concatenation is slow on CPUs.
    opened = [
        tf.reduce_sum(tf.cast(vector.deterministic_gate() != 0, tf.float32))
        for vector in vectors.values()
    ]
    return tf.add_n(opened) / sum(v.num_gates for v in vectors.values())


def _unused(name, names):
    numbered = (f"{name}_{count}" for count in itertools.count(1))
    return next(n for n in itertools.chain([name], numbered) if n not in names)
