"""Hard concrete gates (L0-HC)."""

import math

import keras
import tensorflow as tf

from keras_l0 import distributions
from keras_l0.gates import schedules
from keras_l0.gates.gate import Gate
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

_RULES = ("paper", "median", "topk")


@keras_l0_export
class HardConcrete(Gate):
    """Gates with a hard concrete distribution, trained by pathwise gradients.

    A binary concrete variable is stretched beyond [0, 1] and clipped back, so
    that the gate is exactly 0 or 1 with positive probability and yet
    differentiable in between:

        s = sigmoid((logit(u) + logits) / temperature),  u ~ Uniform(0, 1)
        z = clip(s * (stretch_high - stretch_low) + stretch_low, 0, 1)

    Args:
        temperature: Positive float or a `LearningRateSchedule`. Small values
            make gates more binary and their gradients more rare. Defaults to
            `2/3`, as published.
        stretch_low: Negative float, the lower limit of the stretched variable.
            Defaults to `-0.1`.
        stretch_high: Float above 1, the upper limit. Defaults to `1.1`.
        drop_rate: Float in (0, 1). The logits start at
            `Normal(log(1 - drop_rate) - log(drop_rate), 0.01)`. It is *not*
            the probability that a gate is closed: at 0.5 a gate is open with
            probability 0.83. Defaults to `0.5`.
        clamp: Positive float or None. The logits are kept in
            `[-clamp, clamp]` after every optimizer step, so that a gate can
            always return. Defaults to `log(100)`, as published; it bounds
            `prob_nonzero` to [0.047, 0.998].
        inference: Rule of the deterministic gate, one of `"paper"`,
            `"median"` and `"topk"`; see
            `keras_l0.distributions.HardConcrete.deterministic_gate`.
            Defaults to `"paper"`.

    Raises:
        ValueError: if an argument is out of its range.
        TypeError: if an argument is not a number.

    Example:

    >>> gate = keras_l0.gates.HardConcrete(drop_rate=0.2)
    >>> gate.deterministic_gate(tf.constant([-3.0, 0.0, 3.0])).numpy()
    array([0. , 0.5, 1. ], dtype=float32)

    Reference:
        [Louizos et al., 2018](https://arxiv.org/abs/1712.01312), section 2.2.
    """

    # A clipped gate has no gradient.
    learns_when_closed = False

    def __init__(
        self,
        temperature: float | schedules.Schedule = 2 / 3,
        stretch_low: float = -0.1,
        stretch_high: float = 1.1,
        drop_rate: float = 0.5,
        clamp: float | None = math.log(100),
        inference: str = "paper",
    ):
        self.temperature = schedules.check(
            "temperature", temperature, validation.check_positive
        )
        self.stretch_low = validation.check_number("stretch_low", stretch_low)
        self.stretch_high = validation.check_number(
            "stretch_high", stretch_high
        )
        if not (stretch_low < 0 and stretch_high > 1):
            raise ValueError(
                "`stretch_low` must be below 0 and `stretch_high` above 1, so "
                "that the gate can reach both. Received: "
                f"stretch_low={stretch_low}, stretch_high={stretch_high}"
            )
        self.drop_rate = validation.check_rate("drop_rate", drop_rate)
        self.clamp = clamp
        if clamp is not None:
            self.clamp = validation.check_positive("clamp", clamp)
        self.inference = validation.check_choice("inference", inference, _RULES)

    def distribution(self, logits: tf.Tensor) -> distributions.HardConcrete:
        return distributions.HardConcrete(
            logits,
            temperature=self.temperature,
            stretch_low=self.stretch_low,
            stretch_high=self.stretch_high,
        )

    def deterministic_gate(self, logits: tf.Tensor) -> tf.Tensor:
        return self.distribution(logits).deterministic_gate(self.inference)

    def logits_initializer(self) -> keras.initializers.Initializer:
        mean = math.log(1 - self.drop_rate) - math.log(self.drop_rate)
        return keras.initializers.RandomNormal(mean, 0.01)

    def logits_constraint(self) -> keras.constraints.Constraint | None:
        if self.clamp is None:
            return None
        return lambda logits: keras.ops.clip(logits, -self.clamp, self.clamp)

    def get_config(self) -> dict:
        return schedules.serialized(
            {
                "temperature": self.temperature,
                "stretch_low": self.stretch_low,
                "stretch_high": self.stretch_high,
                "drop_rate": self.drop_rate,
                "clamp": self.clamp,
                "inference": self.inference,
            }
        )
