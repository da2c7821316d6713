"""Gated networks of all kinds, and trainings with a cut, for several tests."""

import keras
import numpy as np
from keras import layers

import keras_l0
from keras_l0.surgery.cut import cut
from keras_l0.training.adoption import adopt

ROWS, BATCH = 32, 8


def gated(layer, name, gate="diff_prune", **kwargs):
    return keras_l0.L0Gate(layer, gate, name=name, l0=1e-3, **kwargs)


def mlp(gate="diff_prune", **kwargs):
    x = keras.Input((5,))
    h = gated(layers.Dense(8, "tanh"), "first", gate, **kwargs)(x)
    h = gated(layers.Dense(6, "relu"), "second", gate, **kwargs)(h)
    return keras_l0.L0Model(x, layers.Dense(2)(h))


def convolutional(gate="diff_prune"):
    """As in LeNet-5, with batch normalization in front of the gates."""
    x = keras.Input((8, 8, 2))
    h = layers.BatchNormalization()(layers.Conv2D(6, 3, padding="same")(x))
    h = gated(layers.Activation("relu"), "first", gate)(h)
    h = layers.Dropout(0.0)(layers.MaxPooling2D()(h))
    h = gated(layers.DepthwiseConv2D(3, depth_multiplier=2), "depth", gate)(h)
    h = layers.Flatten()(h)
    h = gated(layers.Dense(6, "relu"), "second", gate)(h)
    return keras_l0.L0Model(x, layers.Dense(2)(h))


def residual(gate="diff_prune"):
    """A stream with one gate vector, read through batch normalization.

    Behind the gates it makes constants of zeros, which the cut must leave to
    training.
    """
    stream = keras_l0.GateVector(gate)
    x = keras.Input((6, 3))
    h = keras_l0.L0Gate(
        layers.Conv1D(8, 1), gate_vector=stream, l0=1e-3, name="start"
    )(x)
    for place in range(2):
        inside = layers.ReLU()(layers.BatchNormalization()(h))
        inside = gated(layers.Conv1D(6, 3, padding="same"), f"in{place}", gate)(
            inside
        )
        inside = keras_l0.L0Gate(
            layers.Conv1D(8, 3, padding="same", activation="tanh"),
            gate_vector=stream,
            l0=1e-3,
            name=f"out{place}",
        )(inside)
        h = layers.Add()([h, inside])
    h = layers.GlobalAveragePooling1D()(h)
    return keras_l0.L0Model(x, layers.Dense(2)(h))


def mixed(gate="diff_prune"):
    """Input gates, groups, a shared layer, a nested model, an embedding."""
    x = keras.Input((4,), dtype="int32")
    h = gated(layers.Embedding(9, 6), "words", gate)(x)
    shared = gated(layers.Dense(6, "relu"), "shared", gate)
    h = layers.Concatenate()([shared(h), shared(keras.ops.tanh(h))])
    h = gated(layers.Conv1D(6, 2, groups=3), "groups", gate)(h)
    inner = keras.Sequential(
        [keras.Input((3, 6)), gated(layers.Dense(5, "gelu"), "inside", gate)]
    )
    h = layers.Flatten()(layers.Activation("sigmoid")(inner(h)))
    h = gated(layers.Dense(4), "inputs", gate, on="inputs")(h)
    return keras_l0.L0Model(x, layers.Dense(2)(h))


def recurrent(gate="diff_prune"):
    x = keras.Input((4, 3))
    h = gated(layers.GRU(6, return_sequences=True), "states", gate)(x)
    h = layers.LayerNormalization()(h)
    h = gated(layers.LSTM(6), "last", gate)(h)
    return keras_l0.L0Model(x, layers.Dense(2)(h))


def attention(gate="diff_prune"):
    """Gates on heads, of their own groups and in groups, and between them."""
    x = keras.Input((4, 6))
    h = gated(layers.Dense(8), "words", gate)(x)
    heads = layers.MultiHeadAttention(4, 3)
    heads = gated(heads, "heads", gate, on="heads")
    h = layers.LayerNormalization()(heads(h, value=h))
    groups = layers.GroupQueryAttention(3, 4, 2, use_bias=False)
    groups = gated(groups, "groups", gate, on="heads")
    h = layers.Add()([h, groups(h, value=h)])
    h = gated(layers.Dense(6, "relu"), "last", gate)(layers.Flatten()(h))
    return keras_l0.L0Model(x, layers.Dense(2)(h))


NETWORKS = {
    "mlp": mlp,
    "convolutional": convolutional,
    "residual": residual,
    "mixed": mixed,
    "recurrent": recurrent,
    "attention": attention,
}


def close_some(model, seed=5):
    """Closes some gates of each vector, far from opening, and opens others."""
    rng = np.random.default_rng(seed)
    for vector in keras_l0.layers.gate_vectors(model).values():
        closed = rng.permutation(vector.num_gates) < vector.num_gates // 2
        vector.logits.assign(np.where(closed, -3.0, 1.0))


def randomize(model, seed=6):
    """Weights other than those of the start, which hide mistakes."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name in ("beta", "bias", "moving_mean"):
            weight.assign(rng.normal(0, 0.3, weight.shape))


def data(model):
    rng = np.random.default_rng(4)
    tensor = model.inputs[0]
    shape = (ROWS, *tensor.shape[1:])
    x = rng.normal(size=shape).astype("float32")
    if tensor.dtype == "int32":
        x = rng.integers(0, 9, shape)
    return x, rng.normal(size=(ROWS, 2)).astype("float32")


class Losses(keras.callbacks.Callback):
    """Keeps the loss of each batch."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(logs["loss"])


class CutAfter(keras.callbacks.Callback):
    """Cuts all closed units after some step."""

    def __init__(self, step):
        super().__init__()
        self._step, self._count = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self._count += 1
        if self._count == self._step:
            cut_closed(self.model)


def closed(vector):
    return vector.deterministic_gate().numpy() == 0


def cut_closed(model):
    """Cuts all closed units now."""
    adopt(model, cut(model, closed))


def train(model, cut_after=None, epochs=2, optimizer=None, **compiled):
    """Losses of the batches of a short training."""
    gates = compiled.pop("gate_optimizer", keras.optimizers.SGD(0.01))
    model.compile(
        optimizer or keras.optimizers.Adam(0.01),
        "mse",
        gate_optimizer=gates,
        **{"jit_compile": False, **compiled},
    )
    losses = Losses()
    callbacks = [losses] + ([CutAfter(cut_after)] if cut_after else [])
    fit(model, epochs, callbacks)
    return np.array(losses.values)


def fit(model, epochs, callbacks, **kwargs):
    x, y = data(model)
    return model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=epochs,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
        **kwargs,
    )


def fresh(network="mlp", gate="diff_prune"):
    """A network with some gates closed; equal at each call."""
    keras.utils.set_random_seed(2)
    model = NETWORKS[network](gate)
    randomize(model)
    close_some(model)
    return model
