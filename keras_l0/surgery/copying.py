"""Makes new layers and operations like those of the source model."""

import inspect
import tempfile
from typing import Any

import keras
import numpy as np

from keras_l0.internal import keras_internals


def copy_operation(
    source: Any, layer_class: type, changes: dict
) -> keras.Operation:
    """A new operation with the config of `source`.

    Args:
        source: A `keras.layers.Layer` or `keras.Operation`.
        layer_class: Class of the copy: that of `source`, or one that it
            inherits from.
        changes: Entries of the config to change. A `name` is left out if the
            class takes none.
    """
    config = layer_class.get_config(source)
    named = "name" in config
    config.update(_functions(source, config) | changes)
    if not named:
        config.pop("name", None)
    with keras.saving.custom_object_scope(_classes_inside(source)):
        copy = layer_class.from_config(config)
    if isinstance(source, keras.layers.Lambda):
        copy.function = source.function
    return copy


def _classes_inside(source):
    """Classes of the layers inside, by name: Keras knows registered ones."""
    if not isinstance(source, keras.layers.Layer):
        return {}
    inside = keras_internals.flatten_layers(source)
    return {type(layer).__name__: type(layer) for layer in inside}


def _functions(source, config):
    """The functions in a config as they are: Keras knows them by name only.

    Names find neither functions that are not registered, nor the caller's own
    function that is called as one of Keras'.
    """
    if isinstance(source, keras.layers.Lambda):
        # Takes no function from a config but those that it can find.
        return {
            "function": keras.saving.serialize_keras_object(
                keras.activations.linear
            )
        }
    found = {key: getattr(source, key, None) for key in config}
    functions = {
        key: value
        for key, value in found.items()
        if inspect.isroutine(value) and not inspect.ismethod(value)
    }
    if isinstance(source, keras.layers.Normalization):
        # A config holds lists, which Keras reads in single precision.
        given = {"mean": source.input_mean, "variance": source.input_variance}
        functions |= {k: v for k, v in given.items() if v is not None}
    return functions


def free_initializers(source: Any, names: list[str]) -> dict:
    """Config entries in place of initializers that know one shape only.

    Args:
        source: A layer.
        names: Names of the weights that change their shape.
    """
    changes = {}
    for name in names:
        key = f"{name}_initializer"
        initializer = getattr(source, key, None)
        if isinstance(initializer, keras.initializers.Constant) and np.ndim(
            initializer.value
        ):
            changes[key] = "zeros"
    return changes


def copy_state(source: keras.layers.Layer, copy: keras.layers.Layer) -> None:
    """Gives a built copy what the layer has learned, weights or not.

    Preprocessing layers derive constants from their weights, or keep a
    vocabulary; both come along when a layer loads what another one saved.
    """
    pairs = zip(
        keras_internals.flatten_layers(source),
        keras_internals.flatten_layers(copy),
        strict=True,
    )
    for old, new in pairs:
        store: dict[str, Any] = {}
        old.save_own_variables(store)
        if store:
            new.load_own_variables(store)
        if hasattr(old, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                old.save_assets(folder)
                new.load_assets(folder)
