"""Argument checks; the wording of the package's errors lives here."""

import math
import numbers

import keras


def check_number(name: str, value: object) -> float:
    """Returns `value` as a float; refuses what is not a finite real number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"`{name}` must be a number. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    try:
        number = float(value)
    except OverflowError:  # an integer of more than 308 digits
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be finite. Received: {name}={value}")
    return number


def check_non_negative(name: str, value: object) -> float:
    """Returns `value` as a finite float that is at least 0."""
    number = check_number(name, value)
    if number < 0:
        raise ValueError(
            f"`{name}` must not be negative. Received: {name}={value}"
        )
    return number


def check_positive(name: str, value: object) -> float:
    """Returns `value` as a finite float above 0."""
    number = check_number(name, value)
    if number <= 0:
        raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
    return number


def check_rate(name: str, value: object) -> float:
    """Returns `value` as a float strictly between 0 and 1."""
    number = check_number(name, value)
    if not 0 < number < 1:
        raise ValueError(
            f"`{name}` must lie strictly between 0 and 1. "
            f"Received: {name}={value}"
        )
    return number


def check_boolean(name: str, value: object) -> bool:
    """Returns `value` if it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(
            f"`{name}` must be True or False. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    return value


def check_integer(name: str, value: object, minimum: int | None = None) -> int:
    """Returns `value` if it is an integer that is at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"`{name}` must be an integer. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    if minimum is not None and value < minimum:
        raise ValueError(
            f"`{name}` must be at least {minimum}. Received: {name}={value}"
        )
    return int(value)


def check_seed(name: str, value: object) -> int | None:
    """Returns `value` if it is None or can seed a generator of Keras."""
    if value is None:
        return None
    seed = check_integer(name, value, 0)
    if seed >= 2**63:
        raise ValueError(
            f"`{name}` must be below 2^63. Received: {name}={seed}"
        )
    return seed


def check_choice(name: str, value: object, choices: tuple) -> object:
    """Returns `value` if it is one of `choices`."""
    if value not in choices:
        raise ValueError(
            f"Unknown `{name}`. Expected one of {choices}. "
            f"Received: {name}={value!r}"
        )
    return value


def check_layer(name: str, value: object) -> keras.layers.Layer:
    """Returns `value` if it is a Keras layer; a model is one, too."""
    if not isinstance(value, keras.layers.Layer):
        raise TypeError(
            f"`{name}` must be a `keras.layers.Layer`. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    return value


def normalize_axis(axis: int, shape: tuple, where: str) -> int:
    """Returns `axis` counted from the front of `shape`, batch axis excluded.

    Raises:
        ValueError: if `shape` has no such axis, if it is the batch axis, or
            if its size is not known.
    """
    rank = len(shape)
    check_integer("axis", axis)
    if not -rank <= axis < rank or axis % rank == 0:
        raise ValueError(
            f"`axis` must name an axis of {where} other than the batch axis. "
            f"Received: axis={axis}, shape={shape}"
        )
    if shape[axis] is None:
        raise ValueError(
            f"The gated axis of {where} must have a known size. "
            f"Received: axis={axis}, shape={shape}"
        )
    return axis % rank


def check_built_model(model: object) -> keras.Model:
    """Returns `model` if it is a Keras model whose layers have shapes."""
    if not isinstance(model, keras.Model):
        raise TypeError(
            "`model` must be a `keras.Model`. "
            f"Received: model={model!r} ({type(model).__name__})"
        )
    # Other models are asked for their graph; a Sequential one gets it late.
    if isinstance(model, keras.Sequential) and not model.built:
        raise ValueError(
            f"Model '{model.name}' is not built, so that its layers have no "
            "shapes yet. Begin it with `keras.Input(...)`, or call it on data "
            "first."
        )
    return model
