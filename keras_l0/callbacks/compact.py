"""Removes closed units from a model while it trains."""

import math
import time

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from keras_l0.budget.cost_model import CostModel
from keras_l0.callbacks.closed_gates import ClosedGates
from keras_l0.internal import validation
from keras_l0.layers import gate_vectors
from keras_l0.surgery.cut import cut
from keras_l0.surgery.reserve import Limits
from keras_l0.training import L0Model
from keras_l0.training.adoption import adopt
from keras_l0.training.adoption import shrink
from keras_l0.training.optimizer_transport import OptimizerTransport
from keras_l0.training.progress import batches_done


class Compact(keras.callbacks.Callback):
    """Makes training cheaper: units that are closed for good are cut out.

    A gate is closed for good if, for `patience` checks in a row, it is 0 in
    inference and drawn open with a probability below `threshold`; at once if
    gates are frozen, as a `keras_l0.Budget` does in its last phase. Such units
    leave the model that is being trained: weights, gates, what the optimizers
    keep for them, averages and accumulated gradients become smaller together,
    and later steps compute less. The model stays the same object, its layers
    are new ones; nested models are opened. `fit` goes on with its callbacks,
    history and validation data, and `strip_gates` gives what it would have
    given.

    The loss goes on as if nothing had happened, but for this: units that are
    gone cannot come back, nor be drawn open with their small probability; the
    other gates of stochastic families draw other numbers, and so does
    dropout; what gates that are gone add to the logits of dependent ones is a
    constant from then on; regularizers and `l2` no longer charge for weights
    that are gone; and whatever looks at gates or weights as a whole (the norm
    of `StraightThrough`, LAMB, Muon) sees fewer of them.

    Each cut traces the training step anew, which takes seconds. It is done
    where it saves at least `min_gain` of the multiply-accumulates that the
    network still has, and `max_cuts` times at most. At the end of the last
    epoch nothing is cut.

    Every gate vector keeps one unit at least. A budget's `min_units` and
    `round_to` hold here, too. A layer that makes something else of zeros than
    zeros (a batch normalization behind the gates) stays whole, and so does a
    `GroupQueryAttention` whose groups would be of unequal sizes.

    After every epoch `trained_macs` joins the logs: the multiply-accumulates
    that a step computes, as a fraction of the dense network's.

    The model is an `L0Model`, or a plain Functional one with gates that it can
    train. A file of an `L0Model` that was saved after a cut, by
    `keras.callbacks.BackupAndRestore` as well, can be loaded into the model as
    it was before, which is cut then; and training goes on as if it had never
    stopped. A plain model does not fit such a file. Nor does a file that was
    saved before a cut fit afterwards, or what
    `EarlyStopping(restore_best_weights=True)` remembers.

    Args:
        every: `"epoch"`, or an integer: steps between two checks. Defaults to
            `"epoch"`.
        patience: Integer, at least 1. Checks in a row for which a gate must
            be closed. Defaults to 2.
        threshold: Float in (0, 1]. Probability of being open below which a
            gate counts as closed. Gates of `HardConcrete` are 0 in inference
            from 0.31 downwards, and their `clamp` ends at 0.047. Defaults to
            0.1.
        min_gain: Float in [0, 1). Share of the present multiply-accumulates
            that a cut must save. Defaults to 0.2.
        round_to: Integer, at least 1. Each gate vector keeps a multiple of so
            many units, or all that it has. Defaults to 1.
        max_cuts: Integer, at least 1. So many cuts, and times that the step is
            traced anew, are the most. Defaults to 8.

    Attributes:
        cuts: List of dicts, one for each cut: `epoch` and `step`, counted
            from 0, `macs`, the fraction of the dense network's that is left,
            and `seconds` that it took without tracing.

    Raises:
        TypeError: if an argument is of a wrong type; by `fit`, if the model
            is a `keras.Sequential`.
        ValueError: if an argument is out of its range; by `fit`, if the model
            has no gates or no graph, gates are on single weights, or its
            optimizer's state cannot be cut.

    Example:

    >>> inputs = keras.Input((4,))
    >>> hidden = keras_l0.L0Gate(keras.layers.Dense(8), "diff_prune")(inputs)
    >>> model = keras_l0.L0Model(inputs, keras.layers.Dense(1)(hidden))
    >>> model.compile("adam", "mse")
    >>> gates = model.layers[1].gate_vector
    >>> _ = gates.logits.assign([-1.0] * 6 + [1.0] * 2)
    >>> compact = keras_l0.callbacks.Compact(patience=1)
    >>> x = np.ones((32, 4), "float32")
    >>> _ = model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[compact])
    >>> model.layers[1].layer.units
    2
    """

    # Logs are only added to, so that no step need wait for them.
    async_safe = True

    def __init__(
        self,
        every: str | int = "epoch",
        patience: int = 2,
        threshold: float = 0.1,
        min_gain: float = 0.2,
        round_to: int = 1,
        max_cuts: int = 8,
    ):
        super().__init__()
        if every != "epoch":
            if isinstance(every, str):
                raise ValueError(
                    '`every` must be "epoch" or a number of steps. '
                    f"Received: every={every!r}"
                )
            validation.check_integer("every", every, 1)
        self._every = every
        self._patience = validation.check_integer("patience", patience, 1)
        self._threshold = validation.check_number("threshold", threshold)
        if not 0 < self._threshold <= 1:
            raise ValueError(
                "`threshold` must be in (0, 1]. "
                f"Received: threshold={threshold}"
            )
        self._min_gain = validation.check_number("min_gain", min_gain)
        if not 0 <= self._min_gain < 1:
            raise ValueError(
                f"`min_gain` must be in [0, 1). Received: min_gain={min_gain}"
            )
        self._round_to = validation.check_integer("round_to", round_to, 1)
        self._max_cuts = validation.check_integer("max_cuts", max_cuts, 1)
        self.cuts: list[dict] = []

    def on_train_begin(self, logs=None):
        _check_model(self.model)
        self._cost = getattr(self.model, "cost_model", None)
        self._cost = self._cost or CostModel(self.model)
        self._closed = ClosedGates(
            self._threshold, self._patience, self._limits()
        )
        self._steps = self._epoch_start = self._checked = self._epoch = 0
        self._frozen = self._count_frozen()
        self._off = False

    def _limits(self):
        control = getattr(self.model, "budget_control", None)
        if control is None:
            return Limits(1, self._round_to)
        budget = control.budget
        multiple = math.lcm(self._round_to, budget.round_to)
        return Limits(max(1, budget.min_units), multiple)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        # A budget freezes gates when an epoch begins, after this callback.
        if batch == 0 and self._count_frozen() > self._frozen:
            self._cut_if_it_pays()
        self._frozen = self._count_frozen()

    def on_train_batch_end(self, batch, logs=None):
        self._steps = self._epoch_start + batches_done(self, batch)
        every = self._every
        if every != "epoch" and self._steps // every > self._checked:
            self._checked = self._steps // every
            self._check()

    def on_epoch_end(self, epoch, logs=None):
        self._epoch_start = self._steps
        if self._every == "epoch" and epoch + 1 < self.params["epochs"]:
            self._check()
        if logs is not None:
            logs["trained_macs"] = self._present() / self._dense()

    def _count_frozen(self):
        return sum(not vector.trainable for vector in self._cost.vectors)

    def _check(self):
        self._closed.check(self._cost.vectors)
        self._cut_if_it_pays()

    def _cut_if_it_pays(self):
        if self._off or len(self.cuts) >= self._max_cuts:
            return
        vectors = self._cost.vectors
        removed = {id(v): self._closed.removable(v) for v in vectors}
        kept = ~np.concatenate([removed[id(v)] for v in vectors])
        before, after = self._present(), self._present(kept)
        if kept.all() or before - after < self._min_gain * before:
            return
        begin = time.perf_counter()
        try:
            self._cut(removed)
        except ValueError as error:
            logging.warning("`Compact` stops cutting: %s", error)
            self._off = True
            return
        self.cuts.append(
            {
                "epoch": self._epoch,
                "step": self._steps,
                "macs": self._present() / self._dense(),
                "seconds": time.perf_counter() - begin,
            }
        )

    def _cut(self, removed):
        with self.model.distribute_strategy.scope():
            smaller = cut(self.model, lambda vector: removed[id(vector)])
            if isinstance(self.model, L0Model):
                adopt(self.model, smaller)
            else:
                shrink(self.model, smaller)
                self._cost.recount(self.model)
        self._closed.moved(smaller.vectors)

    def _vectors(self):
        return gate_vectors(self.model)

    def get_training_state(self) -> dict:
        """What has been counted so far."""
        return {
            "cuts": self.cuts,
            "off": self._off,
            "frozen": self._frozen,
            "epoch_start": self._epoch_start,
            "checked": self._checked,
            "closed": self._closed.counts(self._vectors()),
        }

    def set_training_state(self, state: dict) -> None:
        """Goes on counting where the training was."""
        self.cuts = state["cuts"]
        self._off, self._frozen = state["off"], state["frozen"]
        self._steps = self._epoch_start = state["epoch_start"]
        self._checked = state["checked"]
        self._closed.set_counts(self._vectors(), state["closed"])

    def _dense(self):
        return self._cost.dense.macs or 1

    def _present(self, kept=None):
        """Multiply-accumulates with the gates `kept`, or with all, open."""
        if kept is None:
            kept = np.ones(sum(v.num_gates for v in self._cost.vectors))
        return float(self._cost(tf.constant(kept, tf.float64)).macs)


def _check_model(model):
    """Refuses, before training, what could not be cut."""
    if isinstance(model, keras.Sequential):
        raise TypeError(
            "`Compact` needs a `keras_l0.L0Model` or a Functional "
            "`keras.Model`; `L0Model.from_model` makes one of a Sequential. "
            f"Received: model='{model.name}' ({type(model).__name__})"
        )
    if not gate_vectors(model):
        raise ValueError(
            "`Compact` needs a model with gates. "
            f"Received: model='{model.name}'"
        )
    try:
        cut(model, _every_other)
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        OptimizerTransport(model.optimizer)
    except ValueError as error:
        raise ValueError(
            f"`Compact` cannot cut model '{model.name}'. {error}"
        ) from error


def _every_other(vector):
    return np.arange(vector.num_gates) % 2 == 1
