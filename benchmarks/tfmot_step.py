"""A step of tensorflow-model-optimization's pruning, over the dense step.

    python benchmarks/tfmot_step.py '{"network": "lenet5", "measure": "time"}'

Runs in an environment of its own, with `tf-keras` (Keras 2) and
`tensorflow-model-optimization`, and without keras_l0. What it takes, and what
it prints in the last line, is as in `benchmarks/overhead_child.py`.
"""

import json
import os
import sys
import time

# Before TensorFlow: the package prunes models of Keras 2 only.
os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot
import tf_keras
from tf_keras import layers

_PRUNED = (layers.Dense, layers.Conv2D)
_LEAST_PAIRS = 20
_STEPS_FOR_MEMORY = 30
# No step of the measurement is behind the end of the schedule.
_LAST_STEP = 100_000


def lenet_300_100():
    inputs = layers.Input((28, 28, 1))
    x = layers.Flatten()(inputs)
    for units in (300, 100):
        x = layers.Dense(units, activation="relu")(x)
    return tf_keras.Model(inputs, layers.Dense(10)(x))


def lenet5():
    inputs = x = layers.Input((28, 28, 1))
    for filters in (20, 50):
        x = layers.Conv2D(filters, 5, activation="relu")(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Dense(500, activation="relu")(layers.Flatten()(x))
    return tf_keras.Model(inputs, layers.Dense(10)(x))


def residual():
    inputs = layers.Input((32, 32, 3))
    x = _conv_norm(inputs, 16)
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        for step in (stride, 1):
            short = x
            if step > 1 or x.shape[-1] != width:
                short = _conv_norm(x, width, 1, step, relu=False)
            y = _conv_norm(x, width, 3, step)
            y = _conv_norm(y, width, relu=False)
            x = layers.ReLU()(layers.Add()([short, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return tf_keras.Model(inputs, layers.Dense(10)(x))


def _conv_norm(x, filters, kernel=3, strides=1, relu=True):
    conv = layers.Conv2D(
        filters, kernel, strides, padding="same", use_bias=False
    )
    x = layers.BatchNormalization()(conv(x))
    return layers.ReLU()(x) if relu else x


def transformer():
    inputs = layers.Input((28, 28, 1))
    x = layers.Dense(48)(layers.Reshape((28, 28))(inputs))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(6, 8)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(48)(layers.Dense(192, activation="gelu")(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return tf_keras.Model(inputs, layers.Dense(10)(x))


NETWORKS = {
    "lenet_300_100": lenet_300_100,
    "lenet5": lenet5,
    "residual": residual,
    "transformer": transformer,
}


def pruned(model):
    """A copy whose dense and convolutional layers are pruned."""
    schedule = tfmot.sparsity.keras.PolynomialDecay(0.0, 0.8, 0, _LAST_STEP)

    def wrap(layer):
        if not isinstance(layer, _PRUNED):
            return layer
        return tfmot.sparsity.keras.prune_low_magnitude(
            layer, pruning_schedule=schedule
        )

    return tf_keras.models.clone_model(model, clone_function=wrap)


def training_step(model, batch, jit_compile, callback=None):
    """Compiles `model`; one step as a function that gives milliseconds."""
    model.compile(
        "adam",
        tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=jit_compile,
    )
    model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors(batch).repeat())
    if callback is not None:
        callback.set_model(model)
        callback.on_train_begin()

    def step():
        start = time.perf_counter()
        if callback is not None:  # Pruning does not go on without it.
            callback.on_train_batch_begin(0)
        float(model.train_function(batches)["loss"])
        return (time.perf_counter() - start) * 1e3

    return step


def summary(times):
    low, ratio, high = np.quantile(times[:, 1] / times[:, 0], (0.25, 0.5, 0.75))
    dense, other = np.median(times, axis=0)
    return {
        "ratio": round(float(ratio), 4),
        "ratio_quartiles": [round(float(low), 4), round(float(high), 4)],
        "dense_ms": round(float(dense), 3),
        "ms": round(float(other), 3),
        "pairs": len(times),
    }


def take_turns(first, second, pairs, seconds):
    for _ in range(10):
        first(), second()
    start, times = time.monotonic(), []
    while len(times) < pairs and not (
        len(times) >= _LEAST_PAIRS and time.monotonic() - start > seconds
    ):
        if len(times) % 2:
            times.append((first(), second()))
        else:
            times.append((second(), first())[::-1])
    return np.array(times)


def memory(name):
    with open("/proc/self/status") as file:
        (line,) = (one for one in file if one.startswith(name))
    return int(line.split()[1]) / 2**10


def run(configuration):
    tf_keras.utils.set_random_seed(configuration.get("seed", 0))
    imported = memory("VmRSS")
    dense = NETWORKS[configuration["network"]]()
    size = configuration.get("batch_size", 128)
    generator = np.random.default_rng(0)
    x = generator.random((size, *dense.input_shape[1:]), "float32")
    batch = tf.constant(x), tf.constant(generator.integers(0, 10, size))
    jit_compile = configuration.get("jit_compile", False)
    model, callback = dense, None
    if configuration.get("family") != "dense":
        model = pruned(dense)
        callback = tfmot.sparsity.keras.UpdatePruningStep()
    step = training_step(model, batch, jit_compile, callback)
    if configuration["measure"] == "memory":
        for _ in range(_STEPS_FOR_MEMORY):
            step()
        most = memory("VmHWM")
        return {
            "peak_mib": round(most, 1),
            "training_mib": round(most - imported, 1),
        }
    dense_step = training_step(dense, batch, jit_compile)
    pairs = configuration.get("pairs", 400)
    seconds = configuration.get("seconds", 30.0)
    return summary(take_turns(dense_step, step, pairs, seconds))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    for limit in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        limit(given.get("threads", 0))
    print(json.dumps(run(given)))
