"""Step gates trained by a straight-through estimator (SCL)."""

import keras
import tensorflow as tf

from keras_l0 import distributions
from keras_l0.gates import gradient_norms
from keras_l0.gates.gate import Gate
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

_SLOPES = {
    "identity": lambda logits, leak: tf.ones_like(logits),
    "leaky_relu": lambda logits, leak: tf.where(logits > 0, 1.0, leak),
    "softplus": lambda logits, leak: tf.sigmoid(logits),
}
_ORDERS = ("data", "total")


@keras_l0_export
class StraightThrough(Gate):
    """Gates that are the unit step of their logits, exactly 0 or 1.

    `z = 1 if logits > 0 else 0`, the same in training and in inference. The
    step's derivative is replaced by one that is positive everywhere, so that
    a closed gate is still moved by the loss and can return:

        h' = 1                               estimator="identity"
        h' = 1 if logits > 0 else leak       "leaky_relu"
        h' = sigmoid(logits)                 "softplus"

    Gradients of different features differ by orders of magnitude and are
    normalized: all gates of one output unit (column of a kernel) together for
    `on="weights"`, all gates of the vector for units. The penalty counts open
    connections; its gradient by a logit is `l0 * |g| * h'`.

    *In part a reconstruction.* The abstract of SCL gives the step, the three
    estimators, the normalization per feature and the penalty. The norm, its
    order with the penalty, the start and the bounds of the logits are ours.

    Args:
        estimator: `"identity"`, `"leaky_relu"` or `"softplus"`. Defaults to
            `"identity"`.
        leak: Float in (0, 1), the slope of `"leaky_relu"` below 0. Defaults
            to `0.1`.
        norm: `"l2"`, `"rms"`, `"max"` or None: what a feature's gradient is
            divided by. Defaults to `"l2"`.
        order: `"data"` normalizes the gradient of the loss and adds that of
            the penalty; `"total"` normalizes their sum. Defaults to `"data"`.
        initial: Positive float, start of the logits: all gates are open.
            Defaults to `1.0`.
        clamp: Positive float: the logits are kept in `[-clamp, clamp]`, so
            that a gate that closed can return. Defaults to `1.0`.

    Raises:
        ValueError: if an argument is out of its range.
        TypeError: if an argument is not a number.

    Example:

    >>> gate = keras_l0.gates.StraightThrough()
    >>> gate.deterministic_gate(tf.constant([-0.1, 0.0, 0.1])).numpy()
    array([0., 0., 1.], dtype=float32)

    Reference:
        [Tang et al., 2022](https://arxiv.org/abs/2201.05020).
    """

    stochastic = False

    def __init__(
        self,
        estimator: str = "identity",
        leak: float = 0.1,
        norm: str | None = "l2",
        order: str = "data",
        initial: float = 1.0,
        clamp: float = 1.0,
    ):
        self.estimator = validation.check_choice(
            "estimator", estimator, tuple(_SLOPES)
        )
        self.leak = validation.check_rate("leak", leak)
        self.norm = validation.check_choice(
            "norm", norm, tuple(gradient_norms.NORMS)
        )
        self.order = validation.check_choice("order", order, _ORDERS)
        self.initial = validation.check_positive("initial", initial)
        self.clamp = validation.check_positive("clamp", clamp)

    @property
    def scales_with_loss(self) -> bool:
        return self.norm is None

    @property
    def shares_data_logits(self) -> bool:
        return self.order == "total"

    def distribution(
        self, logits: tf.Tensor
    ) -> distributions.DeterministicGate:
        return distributions.DeterministicGate(_step(logits))

    def sample(self, logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        return _straight_through(
            logits, _SLOPES[self.estimator](logits, self.leak)
        )

    def data_logits(
        self,
        logits: tf.Tensor,
        features: list[tuple[int, int]],
        loss_scale: tf.Tensor | float = 1.0,
    ) -> tf.Tensor:
        return gradient_norms.normalize_gradient(
            logits, features, gradient_norms.NORMS[self.norm], loss_scale
        )

    def expected_l0(self, logits: tf.Tensor) -> tf.Tensor:
        return self.sample(logits, None)

    def deterministic_gate(self, logits: tf.Tensor) -> tf.Tensor:
        return _step(logits)

    def logits_initializer(self) -> keras.initializers.Initializer:
        return keras.initializers.Constant(self.initial)

    def logits_constraint(self) -> keras.constraints.Constraint | None:
        return lambda logits: keras.ops.clip(logits, -self.clamp, self.clamp)

    def get_config(self) -> dict:
        return {
            "estimator": self.estimator,
            "leak": self.leak,
            "norm": self.norm,
            "order": self.order,
            "initial": self.initial,
            "clamp": self.clamp,
        }


def _step(logits):
    return tf.cast(logits > 0, logits.dtype)


@tf.custom_gradient
def _straight_through(logits, slope):
    """The step of `logits`, exactly; its derivative is `slope`."""
    return _step(logits), lambda upstream: (slope * upstream, None)
