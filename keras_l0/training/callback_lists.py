"""Adds callbacks to those that `fit` is given."""

import keras


def extended(
    callbacks: object,
    model: keras.Model,
    added: list[keras.callbacks.Callback],
) -> object:
    """`callbacks` of `fit` with further ones at their end.

    Args:
        callbacks: As in `fit`: None, a callback, a list, or a `CallbackList`,
            which is changed.
        model: The model that is fitted.
        added: The further ones.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in added:
            callback.set_params(callbacks.params)
            callback.set_model(model)
            callbacks.callbacks.append(callback)
        return callbacks
    return [*keras.tree.flatten(callbacks or []), *added]
