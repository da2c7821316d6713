"""Trainings that are the same on one device, on two, and on two machines.

A program, as devices and workers are set up before TensorFlow is used:

    python -m tests.training.distributed_runs mirrored RESULT.npz
    TF_CONFIG=... python -m tests.training.distributed_runs workers RESULT.npz
"""

import os
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import keras_l0
from keras_l0 import gates

FAMILIES = {
    "hard_concrete": "hard_concrete",
    "disarm": "arm",
    "arm": gates.ARM(estimator="arm"),
    "ar": gates.ARM(estimator="ar"),
    "diff_prune": "diff_prune",
    "diff_prune_noisy": gates.DiffPrune("clip", noise=0.5),
    "straight_through": "straight_through",
    "straight_through_total": gates.StraightThrough(order="total"),
    "dependent_first": "dependent",
    "dependent_second": "dependent",
}
UNITS = 4
BATCH = 8
X = np.random.default_rng(0).normal(size=(3 * BATCH, 4)).astype("float32")
Y = X[:, :1] * X[:, 1:2]


class Record(keras.callbacks.Callback):
    """Keeps the logits of every replica in this process, step by step."""

    def __init__(self):
        super().__init__()
        self.logits = []

    def on_train_batch_end(self, batch, logs=None):
        strategy = self.model.distribute_strategy
        vectors = keras_l0.layers.gate_vectors(self.model).values()
        local = [
            strategy.experimental_local_results(vector.logits.value)
            for vector in vectors
        ]
        # [replicas, vectors, units]
        self.logits.append(np.swapaxes(np.array(local), 0, 1))


class Seen(layers.Layer):
    """Keeps the first example that it is called on, on every replica."""

    def build(self, shape):
        self.example = self.add_weight(shape=shape[1:], trainable=False)

    def call(self, x):
        self.example.assign(x[0])
        return x


def all_families(**compiled):
    """A model with gates of every family, side by side."""
    inputs = keras.Input((4,))
    branches = [
        keras_l0.L0Gate(layers.Dense(UNITS, "tanh"), gate, l0=1e-2, name=name)(
            inputs
        )
        for name, gate in FAMILIES.items()
    ]
    # Replicas wait for each other in the middle of the forward pass.
    norm = layers.BatchNormalization(synchronized=True)
    branches.append(norm(layers.Dense(UNITS)(inputs)))
    outputs = layers.Dense(1)(layers.Concatenate()(branches))
    model = keras_l0.L0Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(0.05),
        "mse",
        gate_optimizer=keras.optimizers.SGD(0.5),
        metrics=["mae"],
        **compiled,
    )
    return model


def train_all_families(scope) -> dict:
    """Logits after each step, the history, weights and what they predict."""
    keras.utils.set_random_seed(3)
    with scope():
        model = all_families()
    record = Record()
    history = model.fit(
        X,
        Y,
        batch_size=BATCH,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[record],
    ).history
    evaluated = model.evaluate(X, Y, batch_size=BATCH, verbose=0)
    return {
        "logits": np.array(record.logits),
        "weights": np.concatenate([w.ravel() for w in model.get_weights()]),
        "evaluated": np.array(evaluated),
        "predicted": model.predict(X, batch_size=BATCH, verbose=0),
        **{f"history {name}": values for name, values in history.items()},
    }


def draws(scope, family, replica_draws) -> dict:
    """The gates that the replicas drew, and the logits that they ended with."""
    keras.utils.set_random_seed(3)
    with scope():
        inputs = keras.Input((4,))
        ones = layers.Dense(32, kernel_initializer="ones", trainable=False)
        gated = keras_l0.L0Gate(ones, family, name="gated")
        seen = Seen()
        model = keras_l0.L0Model(inputs, layers.Dense(1)(seen(gated(inputs))))
        model.compile("sgd", "mse", replica_draws=replica_draws)
    record = Record()
    ones = np.ones((2, 4), "float32")
    model.fit(ones, ones[:, :1], verbose=0, callbacks=[record])
    results = model.distribute_strategy.experimental_local_results
    name = f"{family} {replica_draws}"
    return {
        f"drawn {name}": np.array(results(seen.example.value)) / 4,
        f"logits {name}": np.array(record.logits),
        f"seeds {name}": np.array(
            results(gated.gate_vector.seed_generator.state.value)
        ),
    }


def mixed_precision(scope, run_eagerly) -> dict:
    """Logits after each step with losses that are scaled."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with scope():
            model = all_families(run_eagerly=run_eagerly)
    finally:
        keras.config.set_dtype_policy("float32")
    record = Record()
    model.fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[record])
    scale = model.optimizer.dynamic_scale.numpy()
    name = f"eager {run_eagerly}"
    return {f"logits {name}": np.array(record.logits), f"scale {name}": scale}


def train_to_budget(scope) -> dict:
    """A deterministic training with a budget and every callback."""
    keras.utils.set_random_seed(3)
    with scope():
        inputs = x = keras.Input((4,))
        for name in ("first", "second"):
            gate = gates.DiffPrune("clip", initial=0.8)
            dense = layers.Dense(16, "relu")
            x = keras_l0.L0Gate(dense, gate, name=name)(x)
        x = layers.BatchNormalization(synchronized=True)(layers.Dense(4)(x))
        model = keras_l0.L0Model(inputs, layers.Dense(1)(x))
        model.compile(
            keras.optimizers.SGD(0.02),
            "mse",
            gate_optimizer=keras.optimizers.SGD(0.5),
            budget=keras_l0.Budget(macs=0.4),
        )
    history = keras_l0.callbacks.GateHistory()
    compact = keras_l0.callbacks.Compact(patience=1)
    with tempfile.TemporaryDirectory() as folder:
        pareto = keras_l0.callbacks.ParetoCheckpoint(folder, "val_loss")
        logs = model.fit(
            X,
            Y,
            batch_size=BATCH,
            epochs=4,
            shuffle=False,
            validation_data=(X, Y),
            verbose=0,
            callbacks=[history, pareto, compact],
        ).history
        files = sorted(os.listdir(folder))
    small = keras_l0.strip_gates(model)
    return {
        "units": [layer.units for layer in _dense(small)],
        "kernels": np.concatenate(
            [d.kernel.numpy().ravel() for d in _dense(small)]
        ),
        "integrals": model.budget_control.integrals.numpy(),
        "squares": model.budget_control.squares.numpy(),
        "progress": model.budget_control.progress.numpy(),
        "opened": np.array(list(history.history.values())),
        "cuts": [[cut["step"], cut["macs"]] for cut in compact.cuts],
        "points": [[p.value, p.params, p.macs] for p in pareto.points],
        "num_files": len(files),
        **{f"history {name}": values for name, values in logs.items()},
    }


def _dense(model):
    return [each for each in model.layers if isinstance(each, layers.Dense)]


def _write(path, results):
    """Writes the results of several runs, each under its name."""
    arrays = {
        f"{name} {key}": np.asarray(value)
        for name, values in results.items()
        for key, value in values.items()
    }
    np.savez(path, **arrays)


def _two_devices():
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    # One strategy in a process: TensorFlow mixes up the collectives of two.
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def _mirrored(path):
    scope = _two_devices().scope
    results = {"families": train_all_families(scope)}
    results["draws"] = {}
    for family in ("hard_concrete", "arm"):
        for replica_draws in (False, True):
            results["draws"] |= draws(scope, family, replica_draws)
    results["mixed"] = {}
    for run_eagerly in (False, True):
        results["mixed"] |= mixed_precision(scope, run_eagerly)
    results["budget"] = train_to_budget(scope)
    _write(path, results)


def _workers(path):
    scope = tf.distribute.MultiWorkerMirroredStrategy().scope
    families, budget = train_all_families(scope), train_to_budget(scope)
    _write(path, {"families": families, "budget": budget})


if __name__ == "__main__":
    {"mirrored": _mirrored, "workers": _workers}[sys.argv[1]](sys.argv[2])
