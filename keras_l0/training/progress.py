"""Keeps the place in a training, and finds it again after an interruption."""

import contextlib
import json
import os

import keras

from keras_l0.internal import keras_internals
from keras_l0.training.training_state import TrainingState


class Progress(keras.callbacks.Callback):
    """Counts epochs and batches; comes first among the callbacks.

    Args:
        state: The model's.
        backups: Those of the callbacks that back the training up.
    """

    async_safe = True

    def __init__(
        self,
        state: TrainingState,
        backups: list[keras.callbacks.BackupAndRestore],
    ):
        super().__init__()
        self._state, self._backups = state, backups
        # What comes next. In an epoch that goes on, batches before this one
        # are run through without training.
        self.epoch = self.batch = 0
        self.restored = False

    def on_train_begin(self, logs=None):
        # Of a file that was loaded before; only a backup brings a place back.
        self._state.forget(type(self).__name__)
        for backup in self._backups:
            _discard_remains(backup.backup_dir)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.batch = max(self.batch, batches_done(self, batch))

    def on_epoch_end(self, epoch, logs=None):
        self.epoch, self.batch = epoch + 1, 0

    def get_training_state(self) -> dict:
        """What comes next."""
        return {"epoch": self.epoch, "batch": self.batch}

    def set_training_state(self, state: dict) -> None:
        """Goes on where a backup was written."""
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.restored = True


def batches_done(callback: keras.callbacks.Callback, batch: int) -> int:
    """Batches of an epoch that are done when `on_train_batch_end` is called.

    Keras counts a last `steps_per_execution` as whole if it is cut short.

    Args:
        callback: The one that is called.
        batch: Argument of that call.
    """
    return min(batch + 1, callback.params.get("steps") or batch + 1)


class GoOn(keras.callbacks.Callback):
    """Puts a training where its backup was; comes last among the callbacks.

    `keras.callbacks.BackupAndRestore` begins the epoch of the backup once
    more. Here the batches that the weights have seen are passed over.

    Args:
        progress: The place.
        state: The model's.
    """

    async_safe = True

    def __init__(self, progress: Progress, state: TrainingState):
        super().__init__()
        self._progress, self._state = progress, state
        self._train = None  # the model's function, while batches are read

    def on_train_begin(self, logs=None):
        self._state.hand_out()
        if self._progress.restored:
            # The backup's own note of it is written after the weights.
            keras_internals.start_at(self.model, self._progress.epoch)

    def on_epoch_begin(self, epoch, logs=None):
        if self._progress.restored and self._progress.batch:
            self._state.restore_metrics()
            self._pass_over(self._progress.batch)
        self._progress.restored = False

    def on_epoch_end(self, epoch, logs=None):
        # Of data whose length is not known too many batches may be counted.
        self._train_again()

    def _pass_over(self, batches):
        model, self._train = self.model, self.model.train_function

        def read(iterator):
            nonlocal batches
            at_once = min(model.steps_per_execution, batches)
            for _ in range(at_once):
                next(iterator)
            batches -= at_once
            if not batches:
                self._train_again()
            return model.get_metrics_result()

        model.train_function = read

    def _train_again(self):
        if self._train is not None:
            self.model.train_function, self._train = self._train, None


def _discard_remains(folder):
    """Removes the note of an epoch that does not go with the weights.

    A process that is killed while it writes leaves half of it, one that is
    killed while it removes a backup may leave it alone.
    """
    weights = os.path.join(folder, "latest.weights.h5")
    metadata = os.path.join(folder, "training_metadata.json")
    if not os.path.isfile(metadata):
        return
    if os.path.exists(weights):
        with contextlib.suppress(ValueError):
            with open(metadata, encoding="utf-8") as file:
                json.load(file)
            return
    os.remove(metadata)
