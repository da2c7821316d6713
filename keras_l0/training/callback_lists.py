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
    return [*before, *listed(callbacks), *after]


def with_backups_last(callbacks: object) -> object:
    """`callbacks` of `fit`, those last that back a training up.

    What the others do at the end of an epoch is in the backup, then, and they
    have begun when it is restored.

    Args:
        callbacks: As in `fit`: None, a callback, a list, or a `CallbackList`,
            which is changed.
    """
    ordered = sorted(listed(callbacks), key=is_backup)
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        return ordered
    callbacks.callbacks[:] = ordered
    return callbacks


def listed(callbacks: object) -> list[keras.callbacks.Callback]:
    """The callbacks in `callbacks` of `fit`.

    Args:
        callbacks: As in `fit`: None, a callback, a list, or a `CallbackList`.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return keras.tree.flatten(callbacks or [])


def is_backup(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback backs the training up, and restores it."""
    return isinstance(callback, keras.callbacks.BackupAndRestore)
