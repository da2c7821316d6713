"""What a training needs to go on, and Keras would not save."""

import json
from collections.abc import Callable
from collections.abc import Sequence
from typing import Protocol
from typing import runtime_checkable

import keras
import numpy as np
from absl import logging


@runtime_checkable
class Resumable(Protocol):
    """A callback whose state is saved with the model that it trains.

    Any callback with these two methods, handed to `L0Model.fit`, has its
    state in every file that the model is saved to, and gets it back, after
    `on_train_begin`, in a training that goes on from such a file.
    """

    def get_training_state(self) -> dict:
        """The state as JSON can hold it."""

    def set_training_state(self, state: dict) -> None:
        """Goes on from the state of an earlier callback of this class."""


class TrainingState:
    """States of random numbers and of callbacks, saved beside the weights.

    Args:
        model: Function that returns the model.

    Attributes:
        saved: A layer without weights, for the model to have as attribute:
            Keras saves what is to be saved with it, and passes over it where
            the model that loads has none.
        cuts: How the model became smaller; see `cut_records.repeat`.
    """

    def __init__(self, model: Callable[[], keras.Model]):
        self._model = model
        self._callbacks: dict[str, Resumable] = {}
        # States that no callback has claimed yet.
        self._pending: dict[str, dict] = {}
        # Metrics of an epoch that had not ended.
        self._metrics: np.ndarray | None = None
        self.cuts: list[dict[str, str]] = []
        self.saved = _Saved(self)

    def begin(
        self,
        callbacks: Sequence[keras.callbacks.Callback],
        goes_on: bool = True,
    ) -> None:
        """Begins a training with some callbacks.

        Args:
            callbacks: Those of `fit`; not all have a state.
            goes_on: Whether it is a training that has begun before, in files
                that were loaded.
        """
        if not goes_on:
            self._pending = {}
        counts: dict[str, int] = {}
        self._callbacks = {}
        for callback in callbacks:
            if isinstance(callback, Resumable):
                name = type(callback).__name__
                counts[name] = number = counts.get(name, -1) + 1
                key = f"{name}_{number}" if number else name
                self._callbacks[key] = callback

    def forget(self, name: str) -> None:
        """Drops the state that a file holds for a callback."""
        self._pending.pop(name, None)

    def hand_out(self) -> None:
        """Gives the callbacks of this training the states of a file."""
        for name, callback in self._callbacks.items():
            state = self._pending.pop(name, None)
            if state is not None:
                callback.set_training_state(state)

    def restore_metrics(self) -> None:
        """Sets the metrics to what they were inside an epoch."""
        variables = self._model().metrics_variables
        values, self._metrics = self._metrics, None
        sizes = [int(np.prod(variable.shape)) for variable in variables]
        if values is None or values.size != sum(sizes):
            return
        pieces = np.split(values, np.cumsum(sizes)[:-1])
        for variable, piece in zip(variables, pieces, strict=True):
            variable.assign(piece.reshape(variable.shape))

    def save(self, store: dict) -> None:
        """Puts everything into what Keras saves as a layer's variables."""
        model = self._model()
        seeds = _seeds(model)
        if seeds:
            store["seeds"] = np.stack([seed.numpy() for seed in seeds])
        states = self._pending | {
            name: callback.get_training_state()
            for name, callback in self._callbacks.items()
        }
        if states:
            store["callbacks"] = to_array(states)
            values = [v.numpy().ravel() for v in model.metrics_variables]
            # Float64 holds every float32 and the counts.
            store["metrics"] = np.concatenate([[], *values], dtype="float64")

    def load(self, store: dict) -> None:
        """Takes everything from a file, which may know nothing of it."""
        found = {key: store[key] for key in store.keys()}
        self._pending = from_array(found.get("callbacks")) or {}
        self._metrics = found.get("metrics")
        if "seeds" not in found:
            return
        model = self._model()
        seeds = _seeds(model)
        if len(seeds) != len(found["seeds"]):
            logging.warning(
                "Random numbers of '%s' do not go on: it has %d generators, "
                "and the file is of a model with %d.",
                model.name,
                len(seeds),
                len(found["seeds"]),
            )
            return
        for seed, value in zip(seeds, found["seeds"], strict=True):
            seed.assign(value)


class _Saved(keras.layers.Layer):
    """What Keras knows of a `TrainingState`."""

    def __init__(self, state):
        super().__init__(name="training_state", trainable=False)
        self._state = state

    def save_own_variables(self, store):
        self._state.save(store)

    def load_own_variables(self, store):
        self._state.load(store)


def _seeds(model):
    """States of all seed generators, which are variables and no weights."""
    weights = {id(weight) for weight in model.weights}
    return [v for v in model.variables if id(v) not in weights]


def to_array(value: object) -> np.ndarray:
    """Bytes of `value` as JSON: files of weights hold numbers only."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def from_array(array: np.ndarray | None) -> object:
    """What `to_array` made an array of; None for None."""
    if array is None:
        return None
    return json.loads(np.asarray(array, np.uint8).tobytes().decode())
