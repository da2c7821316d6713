"""Models with a budget, and their training, for several tests."""

import keras
import numpy as np

import keras_l0
from tests.budget import models


def data(model, rows=64):
    """Inputs, and targets that depend on them."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(rows, *model.input_shape[1:])).astype("float32")
    flat = x.reshape(rows, -1)
    return x, np.tanh(flat[:, : model.output_shape[-1]] * flat[:, 1:2])


def bound(make=models.mlp, gate="hard_concrete", compiled=None, **options):
    """A compiled model with a budget."""
    budget = keras_l0.Budget(**options or {"macs": 0.5})
    model = models.gated(make, gate=gate, budget=budget)
    # XLA takes longer to compile than these models to train.
    compiled = {"jit_compile": False, **(compiled or {})}
    model.compile("adam", "mse", **compiled)
    return model


def fit(model, epochs=4, callbacks=(), **kwargs):
    """The history of a short training, four steps per epoch."""
    x, y = data(model)
    return model.fit(
        x,
        y,
        batch_size=16,
        epochs=epochs,
        callbacks=list(callbacks),
        verbose=0,
        **kwargs,
    ).history


def shares(model):
    """Stripped sizes as fractions of the dense network's, by limit."""
    control = model.budget_control
    counted = models.stripped_cost(model)
    return {
        kind: getattr(counted, kind) / getattr(control.cost_model.dense, kind)
        for kind in control.fractions
    }


def within(model):
    """Whether the stripped network is in the budget."""
    limits = model.budget_control.fractions
    return all(limits[kind] >= share for kind, share in shares(model).items())


def room(model):
    """Names of the gate vectors that could open one block more."""
    found, size = [], model.budget_control.budget.round_to
    for vector in model.budget_control.cost_model.vectors:
        logits = vector.logits.numpy()
        closed = np.flatnonzero(vector.deterministic_gate() == 0)
        best = closed[np.argsort(-logits[closed], kind="stable")[:size]]
        more = logits.copy()
        more[best] = 3.0
        vector.logits.assign(more)
        if closed.size and within(model):
            found.append(vector.name)
        vector.logits.assign(logits)
    return found


class Record(keras.callbacks.Callback):
    """Keeps all logits, and which gates are open, after every epoch."""

    def __init__(self):
        super().__init__()
        self.logits = []

    def on_epoch_end(self, epoch, logs=None):
        vectors = keras_l0.layers.gate_vectors(self.model).values()
        self.logits.append(np.concatenate([v.logits for v in vectors]))
