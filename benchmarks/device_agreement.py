"""Whether a device trains gates as the processor does."""

import keras
import numpy as np
import tensorflow as tf

import keras_l0
from benchmarks import overhead_child
from benchmarks.budget_networks import NETWORKS

_BATCH = 64
_EPSILON = float(np.finfo("float32").eps)
# The noise of a gate, log(u) - log(1 - u), is at most 17; some 4 roundings of
# that, times the slope of 1.2 * sigmoid(x / (2/3)), at most 0.45.
_DRAW_ROUNDINGS = 64
# The longest sum of LeNet-300-100 is over 784 pixels; three layers, forward
# and backward.
_STEP_ROUNDINGS = 6 * 784


def draws(family: str, device: str) -> list[np.ndarray]:
    """One draw of each gate vector, from the same seed on every device.

    Args:
        family: Name of a gate family.
        device: As in `keras.device`.
    """
    with keras.device(device):
        model = _build(family)
        vectors = keras_l0.layers.gate_vectors(model)
        return [_draw(vector).numpy() for vector in vectors.values()]


def _draw(vector):
    """As `GateVector.draw`, which refuses some families without a step."""
    if not vector.gate.stochastic:
        return vector.gates_of(None)
    return vector.gates_of(keras.random.uniform((vector.num_gates,), seed=0))


def step(
    family: str, device: str, jit_compile: bool = False
) -> tuple[float, dict[str, np.ndarray]]:
    """One step of gradient descent, from the same seed on every device.

    Args:
        family: Name of a gate family.
        device: As in `keras.device`.
        jit_compile: Whether XLA compiles the step.

    Returns:
        loss: The loss.
        gradients: Path of each variable -> its gradient.
    """
    with keras.device(device):
        model = _build(family)
        model.compile(
            keras.optimizers.SGD(1.0),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            gate_optimizer=keras.optimizers.SGD(1.0),
            jit_compile=jit_compile,
        )
        before = {v.path: v.numpy() for v in model.trainable_variables}
        loss = float(model.train_on_batch(*batch(), return_dict=True)["loss"])
        return loss, {
            v.path: before[v.path] - v.numpy()
            for v in model.trainable_variables
        }


def compare_draws(expected: list, found: list) -> float:
    """The largest difference, over what rounding explains."""
    worst = max(
        np.abs(e - f).max() for e, f in zip(expected, found, strict=True)
    )
    return float(worst) / (_DRAW_ROUNDINGS * _EPSILON)


def compare_steps(family: str, expected: tuple, found: tuple) -> float:
    """The largest difference of two `step`s, over what rounding explains.

    A gradient is off by the roundings of its longest sum, times its largest
    entry; and by one of the variable, from which it was read. The gradients
    of `"arm"` are differences of losses, and off by the roundings of those.
    """
    loss, gradients = expected
    off = [abs(loss - found[0]) / _step_tolerance(loss)]
    for path, gradient in gradients.items():
        scale = np.abs(gradient).max()
        if family in ("arm", "ar") and path.endswith("logits"):
            scale = max(scale, loss)
        tolerance = _step_tolerance(scale) + 8 * _EPSILON
        off.append(np.abs(gradient - found[1][path]).max() / tolerance)
    return float(max(off))


def _step_tolerance(scale):
    return _STEP_ROUNDINGS * _EPSILON * abs(scale)


def learns(family: str, device: str, policy: str, jit_compile: bool) -> dict:
    """Trains a little under a dtype policy.

    Args:
        family: Name of a gate family.
        device: As in `keras.device`.
        policy: `"mixed_float16"` or `"mixed_bfloat16"`.
        jit_compile: Whether XLA compiles the step.

    Returns:
        result: The losses of the first and the last of 20 steps, and whether
            all are finite and the gates' logits are still float32.
    """
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        with keras.device(device):
            model = _build(family)
            model.compile(
                "adam",
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                jit_compile=jit_compile,
            )
            losses = [
                float(model.train_on_batch(*batch(), return_dict=True)["loss"])
                for _ in range(20)
            ]
    finally:
        keras.config.set_dtype_policy(previous)
    vectors = keras_l0.layers.gate_vectors(model).values()
    kept = all(v.logits.dtype == "float32" for v in vectors)
    return {
        "first_loss": round(losses[0], 4),
        "last_loss": round(losses[-1], 4),
        "right": bool(
            np.isfinite(losses).all() and kept and losses[-1] < losses[0]
        ),
    }


def batch() -> tuple[tf.Tensor, tf.Tensor]:
    """Images of noise, and classes."""
    rng = np.random.default_rng(0)
    x = rng.random((_BATCH, 28, 28, 1), "float32")
    return tf.constant(x), tf.constant(rng.integers(0, 10, _BATCH))


def _build(family):
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    dense = NETWORKS["lenet_300_100"][0]((28, 28, 1))
    model = keras_l0.add_gates(dense, overhead_child.gate_of(family), 1e-6)
    # The middle of a family's range, where draws differ most.
    for vector in keras_l0.layers.gate_vectors(model).values():
        if not vector.gate.chained:
            vector.logits.assign(np.linspace(-1.0, 1.0, vector.num_gates))
    return model
