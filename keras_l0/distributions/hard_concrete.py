"""The hard concrete distribution."""

import tensorflow as tf

from keras_l0.distributions import parameters as params
from keras_l0.distributions import quadrature
from keras_l0.distributions import safe_math
from keras_l0.distributions.clipped import Clipped
from keras_l0.distributions.stretched_concrete import POSITIVE_TEMPERATURE
from keras_l0.distributions.stretched_concrete import StretchedConcrete


def _reaches_both_ends(
    stretch_low: params.TensorLike, stretch_high: params.TensorLike
):
    return (stretch_low < 0) & (stretch_high > 1)


_REACHES_BOTH_ENDS = (
    _reaches_both_ends,
    "`stretch_low` must be below 0 and `stretch_high` above 1, "
    "so that the gate can reach both.",
)


class HardConcrete(Clipped):
    """Stretched concrete variable, clipped to [0, 1]: the gate of L0-HC.

    The gate is exactly 0 or exactly 1 with positive probability and
    differentiable in between, so that the number of open gates can be
    penalized and the gates trained by gradient descent.

    Mathematical details:

        u ~ Uniform(0, 1)
        s = sigmoid((logit(u) + logits) / temperature)
        z = clip(s * (stretch_high - stretch_low) + stretch_low, 0, 1)

        P(z = 0)  = sigmoid(temperature * log(-stretch_low / stretch_high)
                            - logits)
        P(z != 0) = sigmoid(logits
                            - temperature * log(-stretch_low / stretch_high))
        P(z = 1)  = sigmoid(logits - temperature
                            * log((1 - stretch_low) / (stretch_high - 1)))

    What `prob`, `log_prob` and `mode` mean beside the atoms is said in
    `Clipped`. All methods, and their gradients with respect to `logits`, stay
    finite for logits of +-1000, but for the -inf of `log_prob` outside [0, 1].
    The gradient of a sample is 0 where it is 0 or 1, and that of `mode` is 0
    (or None).

    `mean`, `variance` and `stddev` have no elementary form. They are
    Gauss-Legendre sums of 64 nodes over the inside, plus the atoms exactly.
    Measured in float64 for |logits| <= 12, the error of mean and variance is
    at most 4e-15 at temperatures 0.1 to 2 if the stretch goes beyond 0 and 1
    by 0.01 or more; with the default stretch it is 2e-15, 2e-13 and 2e-6 at
    temperatures 3, 5 and 10. float32 adds its rounding.

    `deterministic_gate(rule)` knows three rules:

    - `"paper"` (default): clip(sigmoid(logits) * (stretch_high - stretch_low)
      + stretch_low). The temperature has no part in it. 0 if and only if
      logits <= log(-stretch_low / stretch_high), with the default stretch
      -log(11); P(z != 0) is then still 0.31.
    - `"median"`: the median of z, which puts logits / temperature in the place
      of logits. 0 if and only if P(z != 0) <= 1/2.
    - `"topk"`: closes as many gates as are expected to be closed, counted over
      all gates of the batch: zeros = round(sum of P(z = 0)). The `zeros` gates
      of the smallest logits / temperature are exactly 0 (of equal ones, those
      that come first), the others are sigmoid(0.8 * logits / temperature). A
      half is rounded to the even number.

    Args:
        logits: Float tensor `[B1, ..., Bn]`, any real value: one gate each.
        temperature: Positive float, broadcast with `logits`. Small values make
            gates more binary and gradients more rare. Defaults to `2/3`.
        stretch_low: Float below 0. Defaults to `-0.1`.
        stretch_high: Float above 1. Defaults to `1.1`.
        validate_args: Boolean. Whether to check tensors, variables and the
            arguments of methods too; numbers are always checked. Defaults to
            `False`.
        allow_nan_stats: Boolean, as in `tfp.distributions.Distribution`.
            Defaults to `True`.
        name: Name of the operations. Defaults to `"HardConcrete"`.

    Raises:
        TypeError: if a parameter is not a float of 16, 32 or 64 bits.
        ValueError: if `temperature` is not positive, `stretch_low` not below
            0, or `stretch_high` not above 1.

    Example:

    >>> gate = keras_l0.distributions.HardConcrete(logits=[-2.0, 0.0, 2.0])
    >>> gate.sample(5, seed=tf.constant([1, 2])).shape
    TensorShape([5, 3])
    >>> gate.prob_nonzero().numpy().round(4)
    array([0.401 , 0.8318, 0.9734], dtype=float32)
    >>> gate.deterministic_gate("median").numpy().round(4)
    array([0. , 0.5, 1. ], dtype=float32)

    Reference:
        [Louizos et al., 2018](https://arxiv.org/abs/1712.01312), eqs. 10-13;
        `"topk"`: [Wang et al., 2020](https://arxiv.org/abs/1910.04732).
    """

    deterministic_rules = ("paper", "median", "topk")

    def __init__(
        self,
        logits: params.TensorLike,
        temperature: params.TensorLike = 2 / 3,
        stretch_low: params.TensorLike = -0.1,
        stretch_high: params.TensorLike = 1.1,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "HardConcrete",
    ):
        parameters = dict(locals())
        params.check_numbers(
            *_REACHES_BOTH_ENDS,
            stretch_low=stretch_low,
            stretch_high=stretch_high,
        )
        with tf.name_scope(name) as name:
            super().__init__(
                StretchedConcrete(
                    logits,
                    temperature,
                    stretch_low,
                    stretch_high,
                    validate_args=validate_args,
                    allow_nan_stats=allow_nan_stats,
                ),
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                name=name,
            )
            self._parameters = parameters

    @classmethod
    def _parameter_properties(
        cls, dtype: tf.DType, num_classes: int | None = None
    ):
        return StretchedConcrete.parameter_properties(dtype, num_classes)

    @property
    def logits(self) -> tf.Tensor | tf.Variable:
        """Log-odds of the variable before the stretch exceeding 1/2."""
        return self.distribution.logits

    @property
    def temperature(self) -> tf.Tensor | tf.Variable:
        """Divisor of the noise and the logits."""
        return self.distribution.temperature

    @property
    def stretch_low(self) -> tf.Tensor | tf.Variable:
        """Lower end of the stretch, below 0."""
        return self.distribution.stretch_low

    @property
    def stretch_high(self) -> tf.Tensor | tf.Variable:
        """Upper end of the stretch, above 1."""
        return self.distribution.stretch_high

    def _tensors(self):
        return params.tensors(
            self.logits, self.temperature, self.stretch_low, self.stretch_high
        )

    def _clip(self, x: tf.Tensor):
        # Exact, as x - (x - 1) does not round for x < 1 / eps (and a stretch is
        # small). Its gradient costs a third of `clip_by_value`'s.
        return tf.nn.relu(x) - tf.nn.relu(x - 1)

    def _prob_nonzero(self):
        logits, temperature, low, high = self._tensors()
        return tf.sigmoid(logits - temperature * tf.math.log(-low / high))

    def _inside(self):
        """Values between 0 and 1, and the probability each stands for."""
        logits, temperature, low, high = (
            x[..., tf.newaxis] for x in self._tensors()
        )
        t, dt = quadrature.gauss_legendre(
            tf.math.log(-low / high), tf.math.log((1 - low) / (high - 1))
        )
        gates = tf.sigmoid(t) * (high - low) + low
        log_odds = temperature * t - logits
        density = temperature * tf.sigmoid(log_odds) * tf.sigmoid(-log_odds)
        return gates, density * dt

    def _mean(self):
        gates, probs = self._inside()
        prob_one = self.distribution.survival_function(1.0)
        return prob_one + tf.reduce_sum(probs * gates, -1)

    def _variance(self):
        gates, probs = self._inside()
        prob_zero = self.distribution.cdf(0.0)
        prob_one = self.distribution.survival_function(1.0)
        mean = prob_one + tf.reduce_sum(probs * gates, -1)
        spread = tf.reduce_sum(probs * (gates - mean[..., tf.newaxis]) ** 2, -1)
        return prob_zero * mean**2 + prob_one * (1 - mean) ** 2 + spread

    def _stddev(self):
        return safe_math.safe_sqrt(self._variance())

    def _deterministic_gate(self, rule: str):
        if rule == "median":
            return super()._deterministic_gate(rule)
        if rule == "topk":
            return self._top_k_gate()
        logits, _, low, high = self._tensors()
        return self._clip(tf.sigmoid(logits) * (high - low) + low)

    def _top_k_gate(self):
        logits, temperature, _, _ = self._tensors()
        scores = 0.8 * logits / temperature
        scores = tf.broadcast_to(scores, self._batch_shape_tensor())
        # Counted in float32 at least: float16 knows no integer above 2048.
        dtype = tf.float32 if self.dtype == tf.float16 else self.dtype
        prob_zero = tf.cast(self._cdf(tf.constant(0, self.dtype)), dtype)
        zeros = tf.cast(tf.round(tf.reduce_sum(prob_zero)), tf.int32)
        order = tf.argsort(tf.reshape(scores, [-1]), stable=True)
        rank = tf.reshape(tf.argsort(order), tf.shape(scores))
        closed = tf.constant(0, self.dtype)
        return tf.where(rank < zeros, closed, tf.sigmoid(scores))

    def _parameter_control_dependencies(self, is_init: bool):
        if not self.validate_args:
            return []
        return params.assertions(
            *POSITIVE_TEMPERATURE, is_init, temperature=self.temperature
        ) + params.assertions(
            *_REACHES_BOTH_ENDS,
            is_init,
            stretch_low=self.stretch_low,
            stretch_high=self.stretch_high,
        )
