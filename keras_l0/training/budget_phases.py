"""Takes a model with a budget through the phases of its training."""

import keras
import numpy as np
import tensorflow as tf

from keras_l0.budget.control import BudgetControl
from keras_l0.budget.fulfil import fulfil
from keras_l0.layers.setting import TINY
from keras_l0.layers.setting import logits_around
from keras_l0.training import masks
from keras_l0.training.statistics_inputs import StatisticsInputs

# Where nobody chose an optimizer for the gates: how often logits that always
# go down can cross the way to a closed gate in the second phase.
_CROSSINGS = 4.0
# For statistics of batch normalization: at the end, and at the freeze.
_BATCHES, _FEW_BATCHES = 100, 10


class BudgetPhases(keras.callbacks.Callback):
    """Moves a budget's target, and freezes the gates when it is time to.

    Args:
        control: The budget's multipliers.
        inputs: Inputs for the statistics of batch normalization.
    """

    def __init__(self, control: BudgetControl, inputs: StatisticsInputs):
        super().__init__()
        self._control, self._inputs = control, inputs
        self._budget = control.budget

    def on_train_begin(self, logs=None):
        epochs = self.params["epochs"]
        self._last = epochs - 1
        first = round(epochs * (1 - self._budget.fine_tune))
        # Gates get an epoch at least, and the weights after them if there is
        # one to be had.
        self._freeze_at = min(max(first, 1), epochs)
        if self._budget.fine_tune and epochs > 1:
            self._freeze_at = min(self._freeze_at, self._last)
        self._epoch, self._recalibrated = 0, False
        self._opened = self._control.cost_model.open_gates()
        self._pace(self.params.get("steps"))

    def _pace(self, steps):
        """Sets how much of the training a step is, once that is known."""
        self._steps = steps
        if not steps or not self._control.active:
            return
        total = steps * self.params["epochs"]
        self._control.progress_per_step.assign(1 / total)
        share = 1 - self._budget.start - self._budget.fine_tune
        rate = _CROSSINGS * self._way() / (share * total)
        optimizer = self.model.optimizer
        # Under mixed precision Keras wraps it to scale the loss.
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        optimizer.suit_gate_rate(rate)

    def _way(self):
        """How far logits are from a closed gate, in the median."""
        vectors = self._control.cost_model.vectors
        ways = [
            np.median(v.effective_logits())
            - logits_around(v.present_gate, TINY)[0]
            for v in vectors
        ]
        return max(float(np.median(ways)), 0.0)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        if epoch >= self._freeze_at and self._control.active:
            self._freeze()
            # For what is validated until they are taken again, at the end;
            # the network is still as slow as it was.
            self._recalibrate(_FEW_BATCHES)

    def on_train_batch_end(self, batch, logs=None):
        self._batches = batch + 1

    def on_epoch_end(self, epoch, logs=None):
        if self.params.get("steps"):
            return
        # Where data ends unforeseen, TensorFlow may begin a step too many.
        self._control.progress.assign((epoch + 1) / self.params["epochs"])
        if not self._steps:
            self._pace(self._batches)

    def on_test_begin(self, logs=None):
        # The last validation sees the model as it stays.
        if self._epoch == self._last and not self._control.active:
            self._recalibrate()
            self._recalibrated = True

    def on_train_end(self, logs=None):
        opened = self._control.cost_model.open_gates()
        # Somebody may have brought the weights of an earlier phase back.
        if self._control.active or _differ(self._opened, opened):
            self._freeze()
            self._recalibrated = False
        if not self._recalibrated:
            self._recalibrate()

    def _freeze(self):
        """Chooses the gates."""
        fulfil(self.model, self._control)
        self._opened = self._control.cost_model.open_gates()
        if self._control.active:
            self._stop_gates()

    def _stop_gates(self):
        self.model.freeze_gates()
        self.model.make_train_function(force=True)

    def _recalibrate(self, batches=_BATCHES):
        if self._budget.recalibrate:
            self._inputs.recalibrate(self.model, batches)

    def get_training_state(self) -> dict:
        """What the weights of the model do not tell."""
        return {
            "steps": self._steps,
            "frozen": not self._control.active,
            "recalibrated": self._recalibrated,
            "opened": masks.pack(self._opened),
        }

    def set_training_state(self, state: dict) -> None:
        """Goes on in the phase that the training was in."""
        self._steps = state["steps"]
        self._recalibrated = state["recalibrated"]
        self._opened = tf.constant(masks.unpack(state["opened"]))
        if state["frozen"] and self._control.active:
            self._stop_gates()


def _differ(before, after):
    """Whether other gates are open; cuts take closed ones only."""
    if before.shape == after.shape:
        return bool(tf.reduce_any(before != after))
    return np.count_nonzero(before) != np.count_nonzero(after)
