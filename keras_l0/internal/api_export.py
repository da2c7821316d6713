"""Registers classes for serialization under the package's own name."""

import keras

PACKAGE = "keras_l0"


def keras_l0_export(cls: type) -> type:
    """Class decorator: `.keras` files and configs find `cls` by name.

    Keras stores such a class as `keras_l0>Name` and finds it again without a
    `custom_objects` argument, provided that `keras_l0` has been imported.
    """
    return keras.saving.register_keras_serializable(package=PACKAGE)(cls)
