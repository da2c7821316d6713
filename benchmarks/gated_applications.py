"""The models of `keras.applications`, with gates behind their activations."""

import inspect
import sys

import keras
import numpy as np

import keras_l0

# Activations that only scale another branch (squeeze-and-excite).
_GATING = ("sigmoid", "hard_sigmoid", "softmax", "linear")


def names() -> list[str]:
    """Names of all model functions, in alphabetical order."""
    found = vars(keras.applications)
    return sorted(
        name
        for name, function in found.items()
        if inspect.isfunction(function) and name[0].isupper()
    )


def build(name: str, size: int | None = None) -> keras.Model:
    """The model, with random weights, at the smallest input that it takes.

    Args:
        name: Name of the function in `keras.applications`.
        size: Height and width of the images; None searches for the smallest.
    """
    sizes = (32, 64, 71, 75, 96, 128, 224) if size is None else (size,)
    make = getattr(keras.applications, name)
    for side in sizes:
        keras.backend.clear_session()
        try:
            return make(
                weights=None,
                input_shape=(side, side, 3),
                classes=10,
                classifier_activation=None,
            )
        except ValueError as error:
            if side == sizes[-1]:
                raise
            last = error
    raise last


def with_gates(model: keras.Model, rng: np.random.Generator) -> keras.Model:
    """A copy with gates behind every activation, half of them closed.

    Weights are random, statistics and biases too, so that closed units leave
    constants other than 0. One gate in ten of the open ones lies below 1.
    """
    # Keras walks a graph by recursion, some frames for each layer in a row.
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 20000))
    clone = keras.models.clone_model(model, call_function=_call)
    for variable in clone.variables:
        _fill(variable, rng)
    for vector in keras_l0.layers.gate_vectors(clone).values():
        vector.logits.assign(_logits(vector.num_gates, rng))
    return clone


def _call(layer, *args, **kwargs):
    outputs = layer(*args, **kwargs)
    if not _is_gated(layer):
        return outputs
    axis = getattr(layer, "axis", -1)
    gate = keras_l0.L0Gate(
        keras.layers.Identity(), axis=axis, name=f"{layer.name}_gate"
    )
    return gate(outputs)


def _is_gated(layer):
    if isinstance(layer, keras.layers.ReLU):
        return True
    activation = getattr(layer, "activation", None)
    if activation is None:
        return False
    return getattr(activation, "__name__", "linear") not in _GATING


def _fill(variable, rng):
    """Values of a size at which activations neither die nor explode."""
    name, shape = variable.name, variable.shape
    if name in ("moving_variance", "variance", "gamma"):
        value = rng.uniform(0.5, 1.5, shape)
    elif name in ("beta", "bias", "moving_mean", "mean"):
        value = rng.normal(0, 0.2, shape)
    elif name.startswith("variable") and len(shape) == 1:  # LayerScale
        value = rng.uniform(0.5, 1.5, shape)
    else:
        return  # Keras' initializers keep the variance
    variable.assign(value.astype("float32"))


def _logits(size, rng):
    logits = np.where(rng.random(size) < 0.1, 1.0, 9.0)
    closed = rng.permutation(size)[: size // 2]
    logits[closed] = -9.0
    return logits.astype("float32")
