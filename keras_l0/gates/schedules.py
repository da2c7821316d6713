"""Numbers that may follow a schedule."""

from collections.abc import Callable

import keras

from keras_l0.internal import config_parts

Schedule = keras.optimizers.schedules.LearningRateSchedule


def check(
    name: str, value: object, check_value: Callable[[str, object], float]
) -> float | Schedule:
    """Checks a number, or the first value of a schedule.

    Args:
        name: Name of the argument.
        value: A number or a `LearningRateSchedule`.
        check_value: A check of `keras_l0.internal.validation`.

    Returns:
        value: The number as a float, or the schedule.

    Raises:
        TypeError: if `value` is neither a number nor a schedule.
        ValueError: if the number, or the schedule's first, is refused.
    """
    if not isinstance(value, Schedule):
        return check_value(name, value)
    check_value(f"{name}(0)", float(value(0)))
    return value


def initial(value: float | Schedule) -> float:
    """The number, or the first value of the schedule."""
    return float(value(0)) if isinstance(value, Schedule) else value


def serialized(config: dict) -> dict:
    """`config` with its schedules in the form of `get_config`."""
    return {
        name: keras.saving.serialize_keras_object(value)
        if isinstance(value, Schedule)
        else value
        for name, value in config.items()
    }


def deserialized(config: dict) -> dict:
    """`config` with its schedules as objects.

    Raises:
        TypeError: if a schedule's class is not known.
        ValueError: if a schedule cannot be built of its config.
    """
    return {
        name: config_parts.deserialized(config, name)
        if isinstance(value, dict)
        else value
        for name, value in config.items()
    }
