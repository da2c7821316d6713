"""Lets a training that was killed go on as if it had not been."""

import contextlib
import os
from collections.abc import Iterator

import keras

from keras_l0.internal import files
from keras_l0.internal import keras_internals
from keras_l0.layers import gate_vectors
from keras_l0.layers.gate_chain import GateChain
from keras_l0.training import cut_records
from keras_l0.training.callback_lists import extended
from keras_l0.training.callback_lists import is_backup
from keras_l0.training.callback_lists import listed
from keras_l0.training.callback_lists import with_backups_last
from keras_l0.training.progress import GoOn
from keras_l0.training.progress import Progress
from keras_l0.training.training_state import TrainingState
from keras_l0.training.training_state import from_array
from keras_l0.training.training_state import to_array

# In the variables of the model itself: Keras loads them before any layer.
_CUTS = "cuts"


class ResumableModel(keras.Model):
    """A model whose files hold all that its training needs to go on.

    Beside weights and optimizers these are the states of random numbers and
    of callbacks (`TrainingState`), and how the model was cut: whoever loads
    the file into a model as it was before is cut in the same way first.
    """

    gate_chain: GateChain | None = None

    def __init__(self, *args: object, **kwargs: object):
        super().__init__(*args, **kwargs)
        self.training_state = TrainingState(lambda: self)

    @property
    def saved_state(self) -> keras.layers.Layer:
        """What Keras saves of `training_state`; it tracks no property."""
        return self.training_state.saved

    def save_own_variables(self, store: dict) -> None:
        """Stores the model's own variables and its cuts, as Keras asks."""
        super().save_own_variables(store)
        # Nothing without need: plain Keras models refuse what they have not.
        if self.training_state.cuts:
            store[_CUTS] = to_array(self.training_state.cuts)

    def load_own_variables(self, store: dict) -> None:
        """Makes the model as small as the file's, before its layers load."""
        found = {key: store[key] for key in store.keys()}
        cuts = from_array(found.pop(_CUTS, None))
        if cuts is not None:
            cut_records.repeat(self, cuts)
        super().load_own_variables(found)

    def get_compile_config(self) -> dict:
        """As in Keras, and whether gates were frozen while they trained."""
        config = super().get_compile_config()
        if config and self.optimizer.built:
            known = keras_internals.optimized_variables(self.optimizer)
            config["frozen_gates_keep_slots"] = any(
                keras_internals.is_marked(variable) and not variable.trainable
                for variable in known
            )
        return config

    @contextlib.contextmanager
    def gates_thawed(self, thaws: bool = True) -> Iterator[None]:
        """Lets frozen gates train for a while.

        Args:
            thaws: False does nothing.
        """
        layers = [*gate_vectors(self).values(), self.gate_chain]
        frozen = [
            layer
            for layer in layers
            if thaws and layer is not None and not layer.trainable
        ]
        for layer in frozen:
            layer.trainable = True
        try:
            yield
        finally:
            for layer in frozen:
                layer.trainable = False

    def save_weights(
        self,
        filepath: str | os.PathLike,
        overwrite: bool = True,
        max_shard_size: float | None = None,
    ) -> None:
        """`keras.Model.save_weights`; a file appears whole or not at all."""
        is_file = max_shard_size is None and str(filepath).endswith(".h5")
        asks = not overwrite and os.path.exists(filepath)
        if not is_file or asks or "://" in str(filepath):
            super().save_weights(filepath, overwrite, max_shard_size)
            return
        with files.atomic_file(filepath) as temporary:
            written = f"{temporary}.weights.h5"  # Keras looks at the end
            try:
                super().save_weights(written)
                os.replace(written, temporary)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.remove(written)

    def fit(self, x: object = None, *args, callbacks: object = None, **kwargs):
        """`keras.Model.fit`; goes on from a backup as if never interrupted."""
        callbacks = with_backups_last(callbacks)
        backups = list(filter(is_backup, listed(callbacks)))
        progress = Progress(self.training_state, backups)
        last = GoOn(progress, self.training_state)
        callbacks = extended(callbacks, self, [progress], [last])
        goes_on = bool(kwargs.get("initial_epoch"))
        self.training_state.begin(listed(callbacks), goes_on)
        keras_internals.start_at(self, None)
        return super().fit(x, *args, callbacks=callbacks, **kwargs)
