"""Makes new layers and operations like those of the source model."""

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
    config.update(changes)
    if not named:
        config.pop("name", None)
    if issubclass(layer_class, keras.layers.Lambda):
        # The code is the caller's own and in memory already.
        return layer_class.from_config(config, safe_mode=False)
    return layer_class.from_config(config)


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
