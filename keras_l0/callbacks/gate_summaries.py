"""Writes what the gates do for TensorBoard."""

import os

import keras
import numpy as np
import tensorflow as tf

from keras_l0.callbacks import events
from keras_l0.callbacks.paths import check_path
from keras_l0.internal import validation
from keras_l0.layers import gate_vectors

FOLDER = "gates"


class GateSummaries(keras.callbacks.Callback):
    """Shows in TensorBoard how the gates open and close.

    After every epoch it writes, for each gate vector `name` as in
    `keras_l0.layers.gate_vectors`,

    - `open_gates/name`: how many gates `strip_gates` would keep,
    - `expected_open_gates/name`: the sum of the probabilities of being open,
      i.e. how many training draws open on average,
    - `prob_open/name`: the mean of these probabilities,

    over all gates `gates/open_fraction` and `gates/expected_open_fraction`,
    and `gates/penalty` if the logs have a `penalty`, as those of
    `keras_l0.L0Model` do. Histograms show the logits, the probabilities and
    the values in inference: `gate_logits/name`, `gate_prob_open/name` and
    `gate_values/name`.

    The step is the epoch as in `keras.callbacks.TensorBoard`, so that curves
    of both lie over each other, and a training that goes on from
    `initial_epoch` goes on in the picture. Files are complete after every
    epoch. TensorBoard need not be installed where the training runs. The
    callback changes nothing of the training.

    Args:
        log_dir: Path of the folder that TensorBoard is given, the same as for
            `keras.callbacks.TensorBoard`. Files go to its folder `gates`.
        histograms_every: Integer, at least 0. Epochs from one histogram to the
            next; 0 writes none. Defaults to 1.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if `log_dir` is empty or `histograms_every` negative; by
            `fit`, if the model has no gates.

    Example:

    >>> model = keras.Sequential([
    ...     keras.Input((2,)),
    ...     keras_l0.L0Gate(keras.layers.Dense(3), name="hidden"),
    ...     keras.layers.Dense(1),
    ... ])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.ones((8, 2)), np.ones((8, 1))
    >>> summaries = keras_l0.callbacks.GateSummaries("logs")
    >>> _ = model.fit(x, y, verbose=0, callbacks=[summaries])
    >>> len(tf.io.gfile.listdir("logs/gates"))
    1
    """

    # Keras waits for each step's logs if a callback is not async-safe. This
    # one reads nothing in a step.
    async_safe = True

    def __init__(self, log_dir: str | os.PathLike, histograms_every: int = 1):
        super().__init__()
        self.log_dir = check_path("log_dir", log_dir)
        self.histograms_every = validation.check_integer(
            "histograms_every", histograms_every, 0
        )
        self._writer = None

    def on_train_begin(self, logs=None):
        if not gate_vectors(self.model):
            raise ValueError(
                "`GateSummaries` needs a model with gates, e.g. one with "
                f"`keras_l0.L0Gate` layers. Received: model='{self.model.name}'"
            )
        self._close()
        folder = os.path.join(self.log_dir, FOLDER)
        self._writer = tf.summary.create_file_writer(folder)

    def on_epoch_end(self, epoch, logs=None):
        every = self.histograms_every
        with self._writer.as_default(step=epoch):  # its end flushes
            self._write(logs or {}, every and epoch % every == 0)

    def on_train_end(self, logs=None):
        self._close()

    def _write(self, logs, histograms):
        opened, expected, total = 0, 0.0, 0
        for name, vector in gate_vectors(self.model).items():
            values = vector.deterministic_gate().numpy()
            probs = vector.prob_nonzero().numpy()
            opened += np.count_nonzero(values)
            expected += probs.sum()
            total += vector.num_gates
            events.scalar(f"open_gates/{name}", np.count_nonzero(values))
            events.scalar(f"expected_open_gates/{name}", probs.sum())
            events.scalar(f"prob_open/{name}", probs.mean())
            if histograms:
                logits = vector.effective_logits().numpy()
                events.histogram(f"gate_logits/{name}", logits)
                events.histogram(f"gate_prob_open/{name}", probs)
                events.histogram(f"gate_values/{name}", values)
        events.scalar("gates/open_fraction", opened / total)
        events.scalar("gates/expected_open_fraction", expected / total)
        if "penalty" in logs:
            events.scalar("gates/penalty", logs["penalty"])

    def _close(self):
        if self._writer is not None:
            self._writer.close()
            self._writer = None
