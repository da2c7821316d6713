"""Stops training when the loss is NaN, and says what may be behind it."""

import keras
import numpy as np
import tensorflow as tf

from keras_l0.internal import keras_internals
from keras_l0.layers import gate_layers
from keras_l0.layers import gate_vectors

# The running mean of the loss stays NaN, so that looking now and then misses
# nothing; each look waits for the device.
_EVERY = 50


class NanGuard(keras.callbacks.Callback):
    """Raises `FloatingPointError` when the mean loss of an epoch is NaN.

    `L0Model` leaves the gates alone in a step without a finite loss, so that
    they still tell what was the matter.
    """

    async_safe = True

    def on_train_batch_end(self, batch, logs=None):
        if batch % _EVERY == 0:
            self._check(logs, f"batch {batch}")

    def on_epoch_end(self, epoch, logs=None):
        self._check(logs, f"the end of epoch {epoch + 1}")

    def _check(self, logs, when):
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(float(loss)):
            return
        raise FloatingPointError(
            f"The loss is {float(loss)} at {when}. {self._reason()}"
        )

    def _reason(self):
        for layer in gate_layers(self.model):
            for name, value in layer.scheduled_values().items():
                if not np.isfinite(value):
                    return f"The schedule of `{name}` of '{layer.name}' is too."
        closed, broken = [], []
        for name, vector in gate_vectors(self.model).items():
            gates = np.asarray(vector.deterministic_gate())
            if not np.all(np.isfinite(gates)):
                broken.append(name)
            elif not np.any(gates):
                closed.append(name)
        if closed:
            return f"All gates of {', '.join(closed)} are closed."
        if broken:
            return (
                f"The gates of {', '.join(broken)} are NaN: look at schedules, "
                "learning rates and the data."
            )
        return "No layer's gates are all closed: look at the learning rates."


def spare_gates(
    gradients: list[tf.Tensor | None],
    variables: list[keras.Variable],
    loss: tf.Tensor,
) -> list[tf.Tensor | None]:
    """Gradients of 0 for the gates where the loss is not finite."""
    finite = tf.math.is_finite(loss)
    return [
        tf.where(finite, gradient, tf.zeros_like(gradient))
        if gradient is not None and keras_internals.is_marked(variable)
        else gradient
        for gradient, variable in zip(gradients, variables, strict=True)
    ]
