"""How the distributions take, keep and check their parameters."""

import numbers
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

TensorLike = tf.types.experimental.TensorLike


def common_dtype(**values: TensorLike) -> tf.DType:
    """Returns the dtype of the first value that has one, else float32."""
    for name, value in values.items():
        if hasattr(value, "dtype"):
            dtype = tf.as_dtype(value.dtype)
            if dtype not in (tf.float16, tf.float32, tf.float64):
                raise TypeError(
                    f"`{name}` must be float16, float32 or float64. "
                    f"Received: {name}.dtype={dtype.name}"
                )
            return dtype
    return tf.float32


def as_parameter(
    name: str, value: TensorLike, dtype: tf.DType
) -> tf.Tensor | tf.Variable:
    """Returns a `tf.Variable` as it is, so that it is seen to change.

    Anything else becomes a tensor, a Keras variable too: its value is copied.
    """
    if value is None or isinstance(value, str):
        raise TypeError(
            f"`{name}` must be a number or a float tensor. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    if not _is_reference(value):
        return tf.convert_to_tensor(value, dtype, name=name)
    if value.dtype != dtype:
        raise TypeError(
            f"`{name}` must be {dtype.name} like the other parameters. "
            f"Received: {name}.dtype={value.dtype.name}"
        )
    return value


def tensors(*values: TensorLike) -> list[tf.Tensor]:
    """Reads the present values of parameters."""
    return [tf.convert_to_tensor(value) for value in values]


def check_numbers(holds: Callable, message: str, **values: TensorLike) -> None:
    """Raises `ValueError(message)` if Python or NumPy numbers break a rule.

    Args:
        holds: Function of `values` that returns what must be true.
        message: The words for it when it is not.
        **values: Parameters by name. Tensors and variables are left to
            `assertions`.
    """
    known = (numbers.Real, np.ndarray)
    if all(isinstance(v, known) for v in tf.nest.flatten(values)):
        _raise_unless(holds, message, values)


def assertions(
    holds: Callable, message: str, is_init: bool, **values: TensorLike
) -> list[tf.Operation]:
    """Checks tensors: at once if their values are known, else by operations.

    For `_parameter_control_dependencies` under `validate_args`. Variables may
    change and are checked in every method, all others in the constructor
    (`is_init`). Arguments as in `check_numbers`.
    """
    if is_init == any(_is_reference(v) for v in values.values()):
        return []
    values = {k: tf.convert_to_tensor(v) for k, v in values.items()}
    static = {k: tf.get_static_value(v) for k, v in values.items()}
    if all(v is not None for v in static.values()):
        _raise_unless(holds, message, static)
        return []
    valid = tf.reduce_all(holds(**values))
    return [tf.debugging.Assert(valid, [message, *values.values()])]


def range_assertions(
    value: tf.Tensor, low: tf.Tensor | float, high: tf.Tensor | float
) -> list[tf.Operation]:
    """Checks that the argument of a method lies in [low, high]."""
    message = f"`value` must be between {low} and {high}."
    low, high = tensors(tf.cast(low, value.dtype), tf.cast(high, value.dtype))
    return [
        tf.debugging.assert_greater_equal(value, low, message),
        tf.debugging.assert_less_equal(value, high, message),
    ]


def _is_reference(value: object) -> bool:
    return isinstance(value, (tf.Variable, tfp.util.DeferredTensor))


def _raise_unless(holds: Callable, message: str, values: dict):
    if not np.all(holds(**{k: np.asarray(v) for k, v in values.items()})):
        received = ", ".join(f"{k}={v}" for k, v in values.items())
        raise ValueError(f"{message} Received: {received}")
