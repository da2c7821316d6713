"""Trainings that are interrupted, and go on in a model that is built anew."""

import os

import keras
import numpy as np
from keras import layers

import keras_l0

ROWS, BATCH = 24, 8


def build(gate="hard_concrete", budget=None, optimizers=dict, **compiled):
    """A compiled model, equal at each call: some gates closed, dropout."""
    model = dense(gate)
    if budget is not None:
        model.set_budget(budget)
    model.compile(
        **{
            "optimizer": keras.optimizers.Adam(0.01),
            "loss": "mse",
            "gate_optimizer": keras.optimizers.SGD(0.01, momentum=0.9),
            "run_eagerly": True,
            **optimizers(),
            **compiled,
        }
    )
    return model


def dense(gate="hard_concrete", seed=3):
    """The model of `build`, not compiled."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((5,))
    h = layers.BatchNormalization()(x)
    h = _gated(layers.Dense(6, "tanh"), "first", gate)(h)
    h = layers.Dropout(0.3)(h)
    h = _gated(layers.Dense(4, "relu"), "second", gate)(h)
    model = keras_l0.L0Model(x, layers.Dense(2)(h))
    for vector in keras_l0.layers.gate_vectors(model).values():
        if not vector.gate.chained:
            gates = np.arange(vector.num_gates)
            vector.logits.assign(np.where(gates % 2, -4.0, 1.0))
    return model


def _gated(layer, name, gate):
    return keras_l0.L0Gate(layer, gate, l0=1e-3, name=name)


def compact(**kwargs):
    """Cuts the closed units of `build` after two checks."""
    return keras_l0.callbacks.Compact(threshold=0.3, **kwargs)


def data():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(ROWS, 5)).astype("float32")
    return x, rng.normal(size=(ROWS, 2)).astype("float32")


class Interrupted(Exception):
    """What happens to a training."""


class Interrupt(keras.callbacks.Callback):
    """Ends a training as a killed process would: nothing is cleaned up."""

    def __init__(self, step):
        super().__init__()
        self._left = step

    def on_train_batch_end(self, batch, logs=None):
        self._left -= 1
        if not self._left:
            raise Interrupted


class Stop(keras.callbacks.Callback):
    """Stops a training after some epochs."""

    def __init__(self, after):
        super().__init__()
        self._last = after - 1

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == self._last


def fit(model, callbacks=(), **kwargs):
    """The history of a training without output."""
    defaults = {"batch_size": BATCH, "epochs": 4, "shuffle": False}
    return model.fit(
        *data(),
        callbacks=list(callbacks),
        verbose=0,
        **{**defaults, **kwargs},
    ).history


def resumed(folder, step, callbacks, save_freq="epoch", fitted=None, **built):
    """A model whose training was interrupted, and its last history.

    Args:
        folder: Path for the backups.
        step: After how many steps the interruption comes.
        callbacks: Function that makes the callbacks of a training.
        save_freq: As in `BackupAndRestore`.
        fitted: Keyword arguments of `fit`.
        **built: Keyword arguments of `build`.
    """
    folder = os.path.join(folder, "backup")

    def train(*more):
        model = build(**built)
        backup = keras.callbacks.BackupAndRestore(folder, save_freq=save_freq)
        # The backup comes first: the order must not matter.
        history = fit(model, [backup, *callbacks(), *more], **fitted or {})
        return model, history

    try:
        train(Interrupt(step))
    except Interrupted:
        return train()
    raise AssertionError("The training was not interrupted.")


def state(model):
    """All that training changes: weights, seeds, slots, rates, budgets."""
    return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]


def assert_equal(test, found, expected):
    """Fails unless two models are the same, bit for bit."""
    pairs = zip(state(found), state(expected), strict=True)
    for place, (one, other) in enumerate(pairs):
        test.assertAllEqual(one, other, msg=f"variable {place}")


def widths(model):
    vectors = keras_l0.layers.gate_vectors(model).values()
    return [vector.num_gates for vector in vectors]


def trains(model):
    """Whether any of the gates does."""
    vectors = keras_l0.layers.gate_vectors(model).values()
    return any(vector.trainable for vector in vectors)
