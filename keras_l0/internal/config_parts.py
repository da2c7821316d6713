"""Keras objects inside of configs."""

from collections.abc import Mapping

import keras


def deserialized(
    config: Mapping, name: str, custom_objects: Mapping | None = None
) -> object:
    """The object that an entry of a config describes.

    Args:
        config: A config, which stays as it is.
        name: Name of the entry.
        custom_objects: As in `keras.saving.deserialize_keras_object`.

    Raises:
        ValueError: if there is no such entry, or its object cannot be built.
        TypeError: if the entry is of a wrong type, or its class not known.
    """
    if name not in config:
        raise ValueError(
            f"The config lacks `{name}`. Received: {sorted(config)}"
        )
    value = config[name]
    if not isinstance(value, Mapping) or "class_name" not in value:
        raise TypeError(
            f"`{name}` must be the config of an object. "
            f"Received: {name}={value!r} ({type(value).__name__})"
        )
    try:
        # Deserializing empties the dictionary that it is given.
        return keras.saving.deserialize_keras_object(
            dict(value), custom_objects=custom_objects
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"`{name}` cannot be read from a config ({error}). "
            f"Received: {name}={value!r}"
        ) from error
