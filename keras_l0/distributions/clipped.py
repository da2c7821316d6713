"""A distribution clipped to an interval, with atoms at its ends."""

import numbers
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_l0.distributions import parameters as params
from keras_l0.distributions.gate_distribution import GateDistribution


class Clipped(GateDistribution):
    """Any continuous scalar distribution, clipped to [low, high].

    What the distribution has beyond an end is collected there, so that the
    gate is exactly `low` or `high` with positive probability: an *atom*.

    Mathematical details:

        x ~ distribution
        z = min(max(x, low), high)
        P(z = low) = P(x <= low),  P(z = high) = P(x > high)

    `prob` is a density with respect to Lebesgue measure plus a point mass of 1
    at either end. Inside (low, high) it is the density of x; at `low` and
    `high` it is the *probability* of that value; so the two atoms plus the
    integral over the inside make 1. `log_prob` is its logarithm. Outside
    [low, high] `prob` is 0, `log_prob` is -inf and its gradient 0.

    `mode` is the most probable single value: the heavier atom, `low` if they
    are equal, NaN if neither end has mass. (The height of the density inside
    is no probability and is not compared.) `mean`, `variance` and `stddev`
    are not implemented, as nothing is known about the distribution;
    `HardConcrete` has them. `quantile` is the clipped quantile of x.

    `prob_nonzero` needs `low=0`: elsewhere 0 has no atom. The only rule of
    `deterministic_gate` is `"median"`.

    Args:
        distribution: `tfp.distributions.Distribution` with scalar events and a
            density (not discrete).
        low: Python number, the lower end. Defaults to `0.0`.
        high: Python number above `low`, the upper end. Defaults to `1.0`.
        validate_args: Boolean. Whether to check that values lie in
            [low, high]. Defaults to `False`.
        allow_nan_stats: Boolean, as in `tfp.distributions.Distribution`.
            Defaults to `True`.
        name: Name of the operations. Defaults to `"Clipped"`.

    Raises:
        TypeError: if `distribution` is not a distribution, or an end not a
            Python number.
        ValueError: if the events are not scalars, or `low` is not below
            `high`.

    Example:

    >>> import tensorflow_probability as tfp
    >>> normal = tfp.distributions.Normal(loc=[0.0, 0.5], scale=0.5)
    >>> gate = keras_l0.distributions.Clipped(normal)
    >>> gate.prob_nonzero().numpy().round(4)
    array([0.5   , 0.8413], dtype=float32)
    >>> gate.deterministic_gate().numpy()
    array([0. , 0.5], dtype=float32)
    """

    deterministic_rules = ("median",)

    def __init__(
        self,
        distribution: tfp.distributions.Distribution,
        low: float = 0.0,
        high: float = 1.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Clipped",
    ):
        parameters = dict(locals())
        _check_distribution(distribution)
        _check_ends(low, high)
        with tf.name_scope(name) as name:
            self._distribution = distribution
            self._low = low
            self._high = high
            super().__init__(
                dtype=distribution.dtype,
                reparameterization_type=distribution.reparameterization_type,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(
        cls, dtype: tf.DType, num_classes: int | None = None
    ):
        return dict(distribution=tfp.util.BatchedComponentProperties())

    @property
    def distribution(self) -> tfp.distributions.Distribution:
        """The distribution that is clipped."""
        return self._distribution

    @property
    def low(self) -> float:
        """Lower end of the range."""
        return self._low

    @property
    def high(self) -> float:
        """Upper end of the range."""
        return self._high

    def _clip(self, x: tf.Tensor):
        return tf.clip_by_value(x, self.low, self.high)

    def _sample_n(self, n: tf.Tensor, seed: params.TensorLike | None = None):
        return self._clip(self.distribution.sample(n, seed=seed))

    def _quantile(self, value: tf.Tensor):
        return self._clip(self.distribution.quantile(value))

    def _log_prob(self, value: tf.Tensor):
        at_low, at_high = value <= self.low, value >= self.high
        middle = tf.constant((self.low + self.high) / 2, self.dtype)
        inside = tf.where(at_low | at_high, middle, value)
        log_prob = self.distribution.log_prob(inside)
        log_prob = tf.where(at_low, self._log_prob_low(), log_prob)
        log_prob = tf.where(at_high, self._log_prob_high(), log_prob)
        outside = (value < self.low) | (value > self.high)
        return tf.where(outside, tf.constant(-np.inf, self.dtype), log_prob)

    def _log_prob_low(self):
        return self.distribution.log_cdf(self.low)

    def _log_prob_high(self):
        return self.distribution.log_survival_function(self.high)

    def _cdf(self, value: tf.Tensor):
        return self._step(value, 0.0, self.distribution.cdf, 1.0)

    def _log_cdf(self, value: tf.Tensor):
        return self._step(value, -np.inf, self.distribution.log_cdf, 0.0)

    def _survival_function(self, value: tf.Tensor):
        return self._step(value, 1.0, self.distribution.survival_function, 0.0)

    def _log_survival_function(self, value: tf.Tensor):
        return self._step(
            value, 0.0, self.distribution.log_survival_function, -np.inf
        )

    def _step(
        self,
        value: tf.Tensor,
        below_low: float,
        function: Callable,
        from_high: float,
    ):
        """`function` on [low, high), constants on either side."""
        inside = function(tf.clip_by_value(value, self.low, self.high))
        below_low = tf.constant(below_low, self.dtype)
        from_high = tf.constant(from_high, self.dtype)
        below_high = tf.where(value < self.low, below_low, inside)
        return tf.where(value >= self.high, from_high, below_high)

    def _mode(self):
        log_low, log_high = self._log_prob_low(), self._log_prob_high()
        low, high, nan = (
            tf.constant(x, self.dtype) for x in (self.low, self.high, np.nan)
        )
        no_atom = tf.maximum(log_low, log_high) == -np.inf
        return tf.where(no_atom, nan, tf.where(log_low >= log_high, low, high))

    def _prob_nonzero(self):
        if self.low != 0:
            raise NotImplementedError(
                "`prob_nonzero` needs an atom at 0: `low` must be 0. "
                f"Received: low={self.low}"
            )
        return self.distribution.survival_function(self.low)

    def _deterministic_gate(self, rule: str):
        return self._quantile(tf.constant(0.5, self.dtype))

    def _sample_control_dependencies(self, value: tf.Tensor):
        if not self.validate_args:
            return []
        return params.range_assertions(value, self.low, self.high)


def _check_distribution(distribution: object):
    if not isinstance(distribution, tfp.distributions.Distribution):
        raise TypeError(
            "`distribution` must be a `tfp.distributions.Distribution`. "
            f"Received: distribution={distribution!r} "
            f"({type(distribution).__name__})"
        )
    if distribution.event_shape.rank != 0:
        raise ValueError(
            "`distribution` must have scalar events. Received: "
            f"distribution.event_shape={distribution.event_shape}"
        )


def _check_ends(low: object, high: object):
    for name, value in (("low", low), ("high", high)):
        if not isinstance(value, numbers.Real):
            raise TypeError(
                f"`{name}` must be a Python number. "
                f"Received: {name}={value!r} ({type(value).__name__})"
            )
    if not low < high:
        raise ValueError(
            f"`low` must be below `high`. Received: low={low}, high={high}"
        )
