"""A small network whose expected loss can be enumerated."""

import itertools

import keras
import numpy as np
import tensorflow as tf

import keras_l0

K = 2.0
LOGITS = (
    np.array([0.3, -0.5, 0.1, 0.6], "float32"),
    np.array([-0.2, 0.4, 0.7], "float32"),
)
L0 = 0.01
# Weights of one hidden unit: kernel and bias.
SIZES = (3 + 1, 4 + 1)


def network(
    gate: keras_l0.gates.Gate, noise_shape: bool = False, **kwargs
) -> keras_l0.L0Model:
    """3-4-3-1 with seven gates, and an optimizer that moves logits only.

    With SGD at rate 1 a step changes the logits by minus their gradient.
    """
    keras.utils.set_random_seed(3)
    inputs = keras.Input((3,))
    x = inputs
    for units in (4, 3):
        x = keras_l0.L0Gate(
            keras.layers.Dense(units, "tanh", bias_initializer="random_normal"),
            gate,
            l0=L0,
            noise_shape=(None, units) if noise_shape else None,
        )(x)
    model = keras_l0.L0Model(inputs, keras.layers.Dense(1)(x))
    model.compile(
        keras.optimizers.SGD(0.0),
        "mse",
        gate_optimizer=keras.optimizers.SGD(1.0),
        **kwargs,
    )
    set_logits(model)
    return model


def vectors(model: keras_l0.L0Model) -> list[keras_l0.GateVector]:
    return list(keras_l0.layers.gate_vectors(model).values())


def set_logits(model: keras_l0.L0Model) -> None:
    for vector, logits in zip(vectors(model), LOGITS, strict=True):
        vector.logits.assign(logits)


def data(examples: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    x = rng.normal(size=(examples, 3)).astype("float32")
    return x, (2 * x[:, :1] - x[:, 1:2]).astype("float32")


def example_losses(model, x, y, z1, z2) -> np.ndarray:
    """Squared errors `[batch]` under given gates, in NumPy."""
    (w1, b1), (w2, b2), (w3, b3) = (
        [np.float64(v) for v in weights]
        for weights in (
            *(la.layer.get_weights() for la in model.layers[1:3]),
            model.layers[3].get_weights(),
        )
    )
    hidden = np.tanh(x @ w1 + b1) * z1
    hidden = np.tanh(hidden @ w2 + b2) * z2
    return np.mean((hidden @ w3 + b3 - y) ** 2, axis=-1)


def exact_gradient(model, x, y, prob, slope) -> np.ndarray:
    """Derivative of expected loss and penalty by the seven logits.

    Args:
        model: The network.
        x: Inputs.
        y: Targets.
        prob: Probability of an open gate `[7]`.
        slope: Derivative of `prob` by the logit `[7]`.
    """
    gradient = np.zeros(7)
    for gates in itertools.product([0.0, 1.0], repeat=7):
        z = np.array(gates)
        loss = example_losses(model, x, y, z[:4], z[4:]).mean()
        each = np.where(z == 1, prob, 1 - prob)
        for g in range(7):
            others = np.prod(np.delete(each, g))
            gradient[g] += (2 * z[g] - 1) * others * loss
    return slope * (gradient + L0 * np.repeat(SIZES, [4, 3]))


def sampled_gradients(model, x, y, steps: int) -> np.ndarray:
    """What `steps` runs of `train_step` take off the logits, `[steps, 7]`."""
    x, y = tf.constant(x), tf.constant(y)
    model.optimizer.build(model.trainable_variables)
    starts = [tf.constant(logits) for logits in LOGITS]

    @tf.function
    def step():
        model.train_step((x, y))
        moved = [
            start - tf.convert_to_tensor(vector.logits)
            for start, vector in zip(starts, vectors(model), strict=True)
        ]
        moved = tf.concat(moved, 0)
        with tf.control_dependencies([moved]):
            for start, vector in zip(starts, vectors(model), strict=True):
                vector.logits.assign(start)
        return moved

    return np.array([step() for _ in range(steps)], "float64")
