"""Counts the open gates after every epoch."""

import keras
import numpy as np

from keras_l0.layers import gate_vectors


class GateHistory(keras.callbacks.Callback):
    """Records how many gates are open, and shows it on the progress bar.

    A gate is open if its value in inference is not 0, i.e. if `strip_gates`
    would keep the unit. After every epoch the open gates of each gate vector
    are counted; `open_gates`, the fraction of all gates that are open, joins
    the loss and the metrics in the logs: it is on the progress bar, in the
    `History` that `fit` returns, and can be watched by other callbacks that
    come later in the list. While an epoch runs, the bar shows the fraction at
    its start. The callback changes nothing of the training. Given to several
    calls of `fit`, it goes on counting.

    Attributes:
        num_gates: Dict, name of each gate vector as in
            `keras_l0.layers.gate_vectors` -> its number of gates when training
            began.
        history: Dict, the same names -> list of the numbers of open gates, one
            for each epoch.

    Raises:
        ValueError: by `fit`, if the model has no gates.

    Example:

    >>> model = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras_l0.L0Gate(keras.layers.Dense(3), name="hidden"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model.compile("sgd", "mse")
    >>> gates = keras_l0.callbacks.GateHistory()
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> fit = model.fit(x, y, epochs=2, verbose=0, callbacks=[gates])
    >>> gates.history
    {'hidden': [3, 3]}
    >>> fit.history["open_gates"]
    [1.0, 1.0]
    """

    # Keras waits for each step's logs if a callback reads them and is not
    # async-safe. This one only adds a number that it has at hand.
    async_safe = True

    def __init__(self):
        super().__init__()
        self.num_gates: dict[str, int] = {}
        self.history: dict[str, list[int]] = {}

    def on_train_begin(self, logs=None):
        vectors = gate_vectors(self.model)
        if not vectors:
            raise ValueError(
                "`GateHistory` needs a model with gates, e.g. one with "
                f"`keras_l0.L0Gate` layers. Received: model='{self.model.name}'"
            )
        for name, vector in vectors.items():
            self.num_gates.setdefault(name, vector.num_gates)
        self._fraction = self._open_fraction(self._count())

    def on_train_batch_end(self, batch, logs=None):
        if logs is not None:
            logs["open_gates"] = self._fraction

    def on_epoch_end(self, epoch, logs=None):
        counts = self._count()
        for name, count in counts.items():
            self.history.setdefault(name, []).append(count)
        self._fraction = self._open_fraction(counts)
        if logs is not None:
            logs["open_gates"] = self._fraction

    def get_training_state(self) -> dict:
        """The counts so far, saved with the model."""
        return {"num_gates": self.num_gates, "history": self.history}

    def set_training_state(self, state: dict) -> None:
        """Goes on where a training was interrupted."""
        self.num_gates, self.history = state["num_gates"], state["history"]
        self._fraction = self._open_fraction(self._count())

    def _count(self):
        return {
            name: int(np.count_nonzero(vector.deterministic_gate()))
            for name, vector in gate_vectors(self.model).items()
        }

    def _open_fraction(self, counts):
        return sum(counts.values()) / sum(self.num_gates.values())
