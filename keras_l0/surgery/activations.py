"""What strip rules know of Keras' activation functions."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

# f(z * x) == z * f(x) for z >= 0.
_HOMOGENEOUS_NAMES = ("linear", "relu", "leaky_relu")
# Each output entry depends on the same entry of the input alone.
_ELEMENTWISE_NAMES = (
    *_HOMOGENEOUS_NAMES,
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "log_sigmoid",
    "mish",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
)


def _functions(names):
    """The functions of these names: Keras' own, and what people use instead."""
    modules = (keras.activations, keras.ops, tf.nn)
    found = [getattr(m, name, None) for m in modules for name in names]
    return tuple(function for function in found if function is not None)


_HOMOGENEOUS = _functions(_HOMOGENEOUS_NAMES)
_ELEMENTWISE = _functions(_ELEMENTWISE_NAMES)


def is_elementwise(activation: Callable) -> bool:
    """Whether `activation` is known to work on each entry alone."""
    return activation in _ELEMENTWISE


def is_homogeneous(activation: Callable) -> bool:
    """Whether `activation` is known to commute with factors z >= 0."""
    return activation in _HOMOGENEOUS


def evaluate(function: Callable, values: np.ndarray) -> np.ndarray:
    """Applies an elementwise Keras function to float64 constants."""
    tensor = keras.ops.convert_to_tensor(values.astype("float64"))
    return keras.ops.convert_to_numpy(function(tensor)).astype("float64")
