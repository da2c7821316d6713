"""Times stripped networks beside hand-written ones of the same widths.

    python -m benchmarks.strip_latency --threads=1

Half of each gated layer's units are closed. Three networks take turns: the
dense one, the stripped one, and one that is built with the widths that the
stripped one has; as SavedModels and as LiteRT models, one image per call.
"""

import os
import statistics
import tempfile
import time

import keras
import numpy as np
import tensorflow as tf
from absl import app
from absl import flags
from keras import layers

import keras_l0
from benchmarks import gated_applications
from benchmarks import records
from benchmarks import threads

_RUNS = flags.DEFINE_integer("calls", 300, "Calls of each network.")
_APPLICATIONS = flags.DEFINE_list(
    "applications",
    ["DenseNet121", "EfficientNetB0", "MobileNetV2", "ResNet50", "VGG16"],
    "Models of `keras.applications`, timed beside the dense ones.",
)
_PATH = flags.DEFINE_string(
    "latency_path",
    "benchmarks/results/strip_latency.json",
    "Where results are kept.",
)


class Network:
    """Builds one network with given widths of its gated layers, in order."""

    def __init__(self, build, widths, gated=False):
        self.widths, self.gated = list(widths), gated
        self._left = iter(self.widths)
        x = keras.Input((64, 64, 3))
        outputs = layers.Dense(10)(build(self, x))
        self.model = keras.Model(x, outputs)

    def width(self):
        """The width of the next gated layer."""
        return next(self._left)

    def gate(self, x):
        """Gates on `x`, if the network has any."""
        if not self.gated:
            return x
        return keras_l0.L0Gate(layers.Identity())(x)


def _conv(network, x, filters, kernel=3, strides=1, gated=False):
    x = layers.Conv2D(filters, kernel, strides, "same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return network.gate(x) if gated else x


def plain(network, x):
    """Five convolutions in a row."""
    for strides in (1, 2, 1, 2, 2):
        x = _conv(network, x, network.width(), strides=strides, gated=True)
    return layers.GlobalAveragePooling2D()(x)


def residual(network, x):
    """Four bottlenecks; the convolutions inside are gated."""
    x = _conv(network, x, 64, strides=2)
    for _ in range(4):
        y = _conv(network, x, network.width(), 1, gated=True)
        y = _conv(network, y, network.width(), gated=True)
        y = layers.BatchNormalization()(layers.Conv2D(64, 1)(y))
        x = layers.ReLU()(layers.Add()([x, y]))
    return layers.GlobalAveragePooling2D()(x)


def inverted(network, x):
    """Four inverted residuals with squeeze-and-excite."""
    x = _conv(network, x, 32, strides=2)
    for _ in range(4):
        width = network.width()
        y = _conv(network, x, width, 1, gated=True)
        y = layers.DepthwiseConv2D(3, padding="same")(y)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        s = layers.GlobalAveragePooling2D(keepdims=True)(y)
        s = layers.Conv2D(8, 1, activation="relu")(s)
        s = layers.Conv2D(width, 1, activation="sigmoid")(s)
        y = layers.Conv2D(32, 1)(layers.Multiply()([y, s]))
        x = layers.Add()([x, layers.BatchNormalization()(y)])
    return layers.GlobalAveragePooling2D()(x)


def transformer(network, x):
    """Four blocks of attention and gated feed-forward layers."""
    x = layers.Conv2D(64, 8, 8)(x)
    x = layers.Reshape((64, 64))(x)
    for _ in range(4):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 16)(y, y)
        y = layers.LayerNormalization()(x)
        y = layers.Dense(network.width(), activation="gelu")(y)
        x = x + layers.Dense(64)(network.gate(y))
    return layers.GlobalAveragePooling1D()(x)


KINDS = ("SavedModel", "LiteRT")
NETWORKS = {
    "plain": (plain, (32, 64, 64, 128, 128)),
    "residual": (residual, (64,) * 8),
    "inverted residual": (inverted, (192,) * 4),
    "transformer": (transformer, (256,) * 4),
}


def measure(name: str, closed: float, round_to: int, runs: int) -> dict:
    """Times dense, stripped and hand-written networks.

    Args:
        name: A key of `NETWORKS`.
        closed: Part of the gates that are closed.
        round_to: As in `strip_gates`.
        runs: How often each is called.

    Returns:
        entry: Medians in milliseconds and their ratios.
    """
    build, widths = NETWORKS[name]
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    gated = Network(build, widths, gated=True).model
    kept = []
    for vector in keras_l0.layers.gate_vectors(gated).values():
        size = vector.num_gates
        logits = np.full(size, 9.0)
        logits[rng.permutation(size)[: int(closed * size)]] = -9.0
        vector.logits.assign(logits)
        opened = int((logits > 0).sum())
        kept.append(min(-(-opened // round_to) * round_to, size))
    models = {
        "dense": Network(build, widths).model,
        "stripped": keras_l0.strip_gates(gated, round_to=round_to),
        "by hand": Network(build, kept).model,
    }
    x = rng.normal(size=(1, 64, 64, 3)).astype("float32")
    entry = {"network": name, "closed": closed, "round_to": round_to}
    entry |= _time(models, x, runs)
    for kind in KINDS:
        times = entry[kind]
        times["to hand"] = round(times["stripped"] / times["by hand"], 3)
    return entry


def measure_application(name: str, round_to: int, runs: int) -> dict:
    """Times a model of `keras.applications`, gated as `strip_coverage` does.

    Args:
        name: Name of its function.
        round_to: As in `strip_gates`.
        runs: How often each is called.

    Returns:
        entry: Medians in milliseconds and their ratio.
    """
    rng = np.random.default_rng(0)
    dense = gated_applications.build(name, 96)
    gated = gated_applications.with_gates(dense, rng)
    models = {
        "dense": dense,
        "stripped": keras_l0.strip_gates(gated, round_to=round_to),
    }
    x = rng.normal(size=(1, 96, 96, 3)).astype("float32")
    entry = {"network": name, "closed": 0.5, "round_to": round_to}
    return entry | _time(models, x, runs)


def _time(models, x, runs):
    found = {}
    for kind, make in zip(KINDS, (_saved, _litert), strict=True):
        calls = {key: make(model, x) for key, model in models.items()}
        times = _median_times(calls, runs)
        found[kind] = {key: round(t, 4) for key, t in times.items()}
        found[kind]["to dense"] = round(times["stripped"] / times["dense"], 3)
    return found


def _median_times(calls, runs):
    """Milliseconds; the calls take turns, and each warms up before its turn."""
    times = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            call()
            start = time.perf_counter()
            call()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def _saved(model, x):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        model.export(path, verbose=False)
        loaded = tf.saved_model.load(path)  # its functions need it alive
    tensor = tf.constant(x)
    return lambda: loaded.serve(tensor).numpy()


def _litert(model, x):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.tflite")
        keras_l0.export_litert(model, path)
        with open(path, "rb") as file:
            content = file.read()
    interpreter = tf.lite.Interpreter(
        model_content=content, num_threads=threads.THREADS.value or 1
    )
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    interpreter.set_tensor(given["index"], x)
    return interpreter.invoke


def main(argv: list[str]) -> None:
    threads.limit_threads()
    entries = []
    for name in NETWORKS:
        # 0.45 leaves widths that are no multiple of 16.
        for closed, round_to in ((0.45, 1), (0.45, 16)):
            entry = measure(name, closed, round_to, _RUNS.value)
            _keep(entries, entry)
    for name in _APPLICATIONS.value:
        entry = measure_application(name, 16, _RUNS.value // 3)
        _keep(entries, entry)


def _keep(entries, entry):
    entries.append(entry)
    settings = {"threads": threads.THREADS.value}
    records.write(
        _PATH.value, {**records.origin(), **settings, "networks": entries}
    )
    print(entry, flush=True)


if __name__ == "__main__":
    app.run(main)
