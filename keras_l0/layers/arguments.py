"""Arguments of `L0Gate`: their checks and defaults."""

import keras

from keras_l0 import gates
from keras_l0.gates import schedules
from keras_l0.internal import validation
from keras_l0.layers.gate_vector import GateVector


def gate_vector(
    gate: str | gates.Gate | None, vector: GateVector | None
) -> GateVector:
    """The given vector, or a new one of the given family."""
    if vector is None:
        return GateVector("hard_concrete" if gate is None else gate)
    if not isinstance(vector, GateVector):
        raise TypeError(
            "`gate_vector` must be a `keras_l0.GateVector`. "
            f"Received: gate_vector={vector!r}"
        )
    if gate is not None:
        raise ValueError(
            "`gate_vector` brings its own gate family; pass either `gate` or "
            f"`gate_vector`. Received: gate={gate!r}"
        )
    return vector


def factor(
    name: str, value: float | schedules.Schedule | None
) -> float | schedules.Schedule | None:
    """Checks a factor of a penalty."""
    if value is None:
        return None
    return schedules.check(name, value, validation.check_non_negative)


def noise_shape(noise_shape: tuple | None) -> tuple | None:
    """Checks the type of a noise shape."""
    if noise_shape is None or isinstance(noise_shape, (list, tuple)):
        return noise_shape and tuple(noise_shape)
    raise TypeError(
        "`noise_shape` must be a tuple or None. "
        f"Received: noise_shape={noise_shape!r} ({type(noise_shape).__name__})"
    )


def same_dtype(layer: keras.layers.Layer, kwargs: dict) -> dict:
    """The layer's own policy by default; gates need none, inputs are cast."""
    if "dtype" in kwargs or layer.quantization_mode is not None:
        return kwargs
    return {**kwargs, "dtype": layer.dtype_policy}
