"""What strip rules know of Keras' activation functions."""

from collections.abc import Callable

import keras
import numpy as np
from keras import activations

# f(z * x) == z * f(x) for z >= 0.
_HOMOGENEOUS = (activations.linear, activations.relu, activations.leaky_relu)
# Each output entry depends on the same entry of the input alone.
_ELEMENTWISE = _HOMOGENEOUS + tuple(
    getattr(activations, name)
    for name in (
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
)


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
