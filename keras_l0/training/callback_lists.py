"""Adds callbacks to those that `fit` is given."""

from collections.abc import Sequence

import keras


def extended(
    callbacks: object,
    model: keras.Model,
    before: Sequence[keras.callbacks.Callback] = (),
    after: Sequence[keras.callbacks.Callback] = (),
) -> object:
    """`callbacks` of `fit` with further ones around them.

    Args:
        callbacks: As in `fit`: None, a callback, a list, or a `CallbackList`,
            which is changed.
        model: The model that is fitted.
        before: Those whose logs the given ones are to see.
        after: Those that come last.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in (*before, *after):
            callback.set_params(callbacks.params)
            callback.set_model(model)
        callbacks.callbacks[:] = [*before, *callbacks.callbacks, *after]
        return callbacks
    return [*before, *keras.tree.flatten(callbacks or []), *after]
