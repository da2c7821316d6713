"""Binary gates trained by estimated gradients (L0-ARM)."""

import math

import keras
import tensorflow as tf

from keras_l0 import distributions
from keras_l0.gates import arm_estimators
from keras_l0.gates import schedules
from keras_l0.gates.gate import Gate
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

_ACTIVATIONS = ("sigmoid", "hard_sigmoid")
_RULES = ("continuous", "binary")
# The gates of the three-phase schedule are steps while k is this large.
_FROZEN_K = 5000.0


@keras_l0_export
class ARM(Gate):
    """Gates that are exactly 0 or 1, trained by estimated gradients.

    While training, each gate is a coin: open with probability

        p = sigmoid(k * logits)                    activation="sigmoid"
        p = clip(k / 7 * logits + 1/2, 0, 1)       activation="hard_sigmoid"

    A coin has no derivative. Its gradient is estimated from the loss of the
    step, and it takes a `keras_l0.L0Model` to do that. With u uniform,
    `z = 1[u < p]` the gates of the pass that trains the weights, f its loss,
    `z' = 1[u > 1 - p]` antithetic gates and f' the loss under them, the
    derivative by the log-odds of an open gate is estimated by

        "disarm":  (f - f') / 2 * (z - z') * max(p, 1 - p)
        "arm":     (f' - f) * (u - 1/2)
        "ar":      f * (1 - 2 * u)                 one pass, noisy

    All three are unbiased. DisARM, also known as U2G, is ARM averaged over
    every u that gives the same pair of gates: same cost, less variance. The
    chain rule to the logits is exact for both activations; the reference code
    of L0-ARM uses the sigmoid's factor k for the hard sigmoid too.

    Args:
        k: Positive float or a `LearningRateSchedule`: slope of the activation.
            Defaults to `7.0`, as in the reference code.
        activation: `"sigmoid"` or `"hard_sigmoid"`. Defaults to `"sigmoid"`.
        estimator: `"disarm"`, `"arm"` or `"ar"`. Defaults to `"disarm"`.
        drop_rate: Float in (0, 1), probability that a gate is closed at the
            start. Defaults to `0.5`.
        inference: `"continuous"`: a gate is p where p is at least 1/2, else
            0, as published; `"binary"`: 1 where p exceeds 1/2. Defaults to
            `"continuous"`.
        initial_k: Positive float or None: the k that `drop_rate` refers to.
            None takes the first value of `k`. Defaults to None.

    Raises:
        ValueError: if an argument is out of its range.
        TypeError: if an argument is not a number.

    Example:

    >>> gate = keras_l0.gates.ARM(inference="binary")
    >>> gate.prob_nonzero(tf.constant([-0.2, 0.0, 0.2])).numpy().round(3)
    array([0.198, 0.5  , 0.802], dtype=float32)
    >>> gate.deterministic_gate(tf.constant([-0.2, 0.0, 0.2])).numpy()
    array([0., 0., 1.], dtype=float32)

    Reference:
        [Li & Ji, 2019](https://arxiv.org/abs/1904.04432); estimators:
        [Yin & Zhou, 2019](https://arxiv.org/abs/1807.11143);
        [Dong et al., 2020](https://arxiv.org/abs/2006.10680).
    """

    needs_model = True
    estimates_gradient = True
    learns_when_closed = False  # by the gate nothing is differentiated

    def __init__(
        self,
        k: float | schedules.Schedule = 7.0,
        activation: str = "sigmoid",
        estimator: str = "disarm",
        drop_rate: float = 0.5,
        inference: str = "continuous",
        initial_k: float | None = None,
    ):
        self.k = schedules.check("k", k, validation.check_positive)
        self.activation = validation.check_choice(
            "activation", activation, _ACTIVATIONS
        )
        self.estimator = validation.check_choice(
            "estimator", estimator, tuple(arm_estimators.ESTIMATORS)
        )
        self.drop_rate = validation.check_rate("drop_rate", drop_rate)
        self.inference = validation.check_choice("inference", inference, _RULES)
        self.initial_k = initial_k
        if initial_k is not None:
            self.initial_k = validation.check_positive("initial_k", initial_k)

    @classmethod
    def three_phase(
        cls, prune_from: int, finetune_from: int, k: float = 7.0, **kwargs
    ) -> "ARM":
        """Gates that are frozen, then trained, then frozen for good.

        Up to step `prune_from` and after step `finetune_from` k is 5000:
        gates are 0 or 1 for sure and get no gradient, so that weights train
        alone, at last under the very gates of inference.

        Args:
            prune_from: Last step of the first phase.
            finetune_from: Last step of the second phase.
            k: k of the second phase.
            **kwargs: Further arguments of the class.

        Returns:
            gate: An `ARM`, with binary inference and gates that start open
                with probability 0.95, unless `kwargs` say otherwise.

        Reference:
            [Li & Ji, 2019](https://arxiv.org/abs/1908.08118).
        """
        validation.check_positive("k", k)
        validation.check_number("prune_from", prune_from)
        validation.check_number("finetune_from", finetune_from)
        if not 0 < prune_from < finetune_from:
            raise ValueError(
                "The phases must follow one another. Received: "
                f"prune_from={prune_from}, finetune_from={finetune_from}"
            )
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [prune_from, finetune_from], [_FROZEN_K, float(k), _FROZEN_K]
        )
        # The published logits start at 3 / k.
        defaults = {
            "drop_rate": 1 / (1 + math.exp(3)),
            "inference": "binary",
            "initial_k": k,
        }
        return cls(schedule, **{**defaults, **kwargs})

    @property
    def antithetic(self) -> bool:
        return self.estimator != "ar"

    def distribution(self, logits: tf.Tensor) -> distributions.BernoulliGate:
        if self.activation == "sigmoid":
            return distributions.BernoulliGate(logits=self.k * logits)
        line = self.k / 7 * logits + 0.5
        return distributions.BernoulliGate(
            probs=tf.clip_by_value(line, 0.0, 1.0)
        )

    def logits_gradient(
        self,
        logits: tf.Tensor,
        uniforms: tf.Tensor,
        loss: tf.Tensor,
        antithetic_loss: tf.Tensor | None,
    ) -> tf.Tensor:
        gate = self.distribution(logits)
        estimate = arm_estimators.ESTIMATORS[self.estimator]
        if uniforms.shape.rank == 2:  # one draw, and one loss, per example
            loss, antithetic_loss = (
                f if f is None or f.shape.rank == 0 else f[:, tf.newaxis]
                for f in (loss, antithetic_loss)
            )
        gradient = estimate(gate, uniforms, loss, antithetic_loss)
        gradient *= self._log_odds_slope(gate)
        # "arm" and "ar" are noise where a gate is certain; the derivative is 0.
        gradient = tf.where(gate.variance() > 0, gradient, 0.0)
        if uniforms.shape.rank == 2:
            return tf.reduce_sum(gradient, 0)
        return gradient

    def _log_odds_slope(self, gate):
        """Derivative of the log-odds of an open gate by its logit."""
        if self.activation == "sigmoid":
            return self.k
        variance = gate.variance()
        return tf.math.divide_no_nan(self.k / 7, variance)

    def deterministic_gate(self, logits: tf.Tensor) -> tf.Tensor:
        return self.distribution(logits).deterministic_gate(self.inference)

    def logits_initializer(self) -> keras.initializers.Initializer:
        k = self.initial_k or schedules.initial(self.k)
        log_odds = math.log(1 - self.drop_rate) - math.log(self.drop_rate)
        if self.activation == "sigmoid":
            return keras.initializers.RandomNormal(log_odds / k, 0.01 / k)
        return keras.initializers.RandomNormal(
            (0.5 - self.drop_rate) * 7 / k, 0.01 / k
        )

    def get_config(self) -> dict:
        return schedules.serialized(
            {
                "k": self.k,
                "activation": self.activation,
                "estimator": self.estimator,
                "drop_rate": self.drop_rate,
                "inference": self.inference,
                "initial_k": self.initial_k,
            }
        )
