"""Gates that are a one-sided transform of a real variable (DiffPrune)."""

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from keras_l0 import distributions
from keras_l0.gates import schedules
from keras_l0.gates.gate import Gate
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

tfb = tfp.bijectors
tfd = tfp.distributions

_SURROGATES = ("transform", "sigmoid")
# The interval of a stretched sigmoid, as in the hard concrete.
_STRETCH = math.log(11)
_LEAST_NOISE = 1e-6

# name -> (increasing function of x / scale, before it is clipped to [0, 1];
# the x / scale at which it leaves 0; default start of the logits / scale)
_TRANSFORMS = {
    "tanh": (tfb.Tanh, 0.0, 3.0),
    "rational": (tfb.Softsign, 0.0, 9.0),
    # 1.2 * sigmoid(x) - 0.1, by tanh: the gradient of tfb.Sigmoid overflows.
    "clipped_sigmoid": (
        lambda: tfb.Chain(
            [tfb.Shift(0.5), tfb.Scale(0.6), tfb.Tanh(), tfb.Scale(0.5)]
        ),
        -_STRETCH,
        0.0,
    ),
    "clip": (tfb.Identity, 0.0, 0.5),
}


@keras_l0_export
class DiffPrune(Gate):
    """Gates that are a continuous function of their logits, exactly 0 below.

    With x the logit, or the logit plus normal noise, and y = x / scale:

        z = tanh(max(y, 0))                        transform="tanh"
        z = max(y, 0) / (1 + max(y, 0))            "rational"
        z = clip(1.2 * sigmoid(y) - 0.1, 0, 1)     "clipped_sigmoid"
        z = clip(y, 0, 1)                          "clip"

    Without noise a gate is the same in training and in inference. With
    `transform="clip"` and `noise=0.5` it is the Gaussian stochastic gate of
    Yamada et al.

    *A reconstruction.* Of DiffPrune its abstract was at hand: a deterministic,
    differentiable transform of any real-valued variable that takes exact
    zeros, and a surrogate of the L0 loss. The transforms, the surrogates and
    every default are ours.

    A closed gate has no derivative and could not return. Noise reopens it; so
    does `leak`, a fraction of the slope that the transform would have if it
    were not clipped.

    Args:
        transform: One of the four names. Defaults to `"tanh"`.
        scale: Positive float or a `LearningRateSchedule`. Small values make
            gates more binary. Defaults to `0.5`.
        noise: Non-negative float or a `LearningRateSchedule`: standard
            deviation of the noise, 0 for none. Defaults to `0.0`.
        leak: Float in [0, 1), used without noise. Defaults to `0.1`.
        surrogate: What the penalty charges for without noise: the gate itself
            (`"transform"`) or `"sigmoid"`, `sigmoid(y - y0)` with y0 the
            point below which the gate is 0. With noise it is the exact
            probability of an open gate. Defaults to `"transform"`.
        initial: Float or None: start of the logits; None is open (`tanh`,
            `rational`: 0.995 and 0.9) or 1/2, as far as published. Defaults
            to None.

    Raises:
        ValueError: if an argument is out of its range.
        TypeError: if an argument is not a number.

    Example:

    >>> gate = keras_l0.gates.DiffPrune()
    >>> gate.deterministic_gate(tf.constant([-1.0, 0.2, 1.0])).numpy().round(3)
    array([0.   , 0.38 , 0.964], dtype=float32)

    Reference:
        [Shulman, 2020](https://arxiv.org/abs/2012.03653);
        [Yamada et al., 2020](https://arxiv.org/abs/1810.04247).
    """

    def __init__(
        self,
        transform: str = "tanh",
        scale: float | schedules.Schedule = 0.5,
        noise: float | schedules.Schedule = 0.0,
        leak: float = 0.1,
        surrogate: str = "transform",
        initial: float | None = None,
    ):
        self.transform = validation.check_choice(
            "transform", transform, tuple(_TRANSFORMS)
        )
        self.scale = schedules.check("scale", scale, validation.check_positive)
        self.noise = schedules.check(
            "noise", noise, validation.check_non_negative
        )
        self.leak = validation.check_non_negative("leak", leak)
        if leak >= 1:
            raise ValueError(f"`leak` must be below 1. Received: leak={leak}")
        self.surrogate = validation.check_choice(
            "surrogate", surrogate, _SURROGATES
        )
        self.initial = initial
        if initial is not None:
            self.initial = validation.check_number("initial", initial)

    @property
    def stochastic(self) -> bool:
        return isinstance(self.noise, schedules.Schedule) or (
            not isinstance(self.noise, float) or self.noise > 0
        )

    @property
    def learns_when_closed(self) -> bool:
        return not self.stochastic and self.leak > 0

    def distribution(self, logits: tf.Tensor) -> distributions.GateDistribution:
        if not self.stochastic:
            return distributions.DeterministicGate(self._gate(logits))
        squash = _TRANSFORMS[self.transform][0]()
        # A schedule may end at 0, where a normal has no derivatives.
        noise = tf.maximum(self.noise, _LEAST_NOISE)
        return distributions.Clipped(
            tfd.TransformedDistribution(
                tfd.Normal(logits / self.scale, noise / self.scale), squash
            )
        )

    def _gate(self, logits):
        squash = _TRANSFORMS[self.transform][0]()
        return tf.clip_by_value(squash.forward(logits / self.scale), 0.0, 1.0)

    def _leaky_gate(self, logits):
        """The gate, with a slope where it is clipped."""
        squash = _TRANSFORMS[self.transform][0]()
        whole = squash.forward(logits / self.scale)
        gate = tf.clip_by_value(whole, 0.0, 1.0)
        rest = self.leak * (whole - gate)
        # In this order the sum is the gate to the last bit.
        return gate + (rest - tf.stop_gradient(rest))

    def sample(self, logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        if not self.stochastic:
            return self._leaky_gate(logits)
        return super().sample(logits, uniforms)

    def expected_l0(self, logits: tf.Tensor) -> tf.Tensor:
        if self.stochastic:
            return self.prob_nonzero(logits)
        if self.surrogate == "transform":
            return self._leaky_gate(logits)
        start = _TRANSFORMS[self.transform][1]
        return tf.sigmoid(logits / self.scale - start)

    def deterministic_gate(self, logits: tf.Tensor) -> tf.Tensor:
        return self._gate(logits)

    def logits_initializer(self) -> keras.initializers.Initializer:
        start = self.initial
        if start is None:
            scale = schedules.initial(self.scale)
            start = _TRANSFORMS[self.transform][2] * scale
        # Gates that start alike would move alike.
        return keras.initializers.RandomNormal(start, 0.01)

    def logits_constraint(self) -> keras.constraints.Constraint | None:
        """Keeps logits where the squashed value still has a slope."""
        bound = 10 * schedules.initial(self.scale)
        return lambda logits: keras.ops.clip(logits, -0.3 * bound, bound)

    def get_config(self) -> dict:
        return schedules.serialized(
            {
                "transform": self.transform,
                "scale": self.scale,
                "noise": self.noise,
                "leak": self.leak,
                "surrogate": self.surrogate,
                "initial": self.initial,
            }
        )
