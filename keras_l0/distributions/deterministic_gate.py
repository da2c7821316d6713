"""A gate without chance."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_l0.distributions import parameters as params
from keras_l0.distributions.gate_distribution import GateDistribution

tfd = tfp.distributions


class DeterministicGate(GateDistribution):
    """Gate that always has the value `loc`.

    `tfp.distributions.Deterministic` with the two questions of a gate and a
    `quantile`. `sample` draws nothing and carries the gradient to `loc`;
    `prob_nonzero` is 0 or 1 and has no gradient. `quantile` is NaN outside
    [0, 1].

    Args:
        loc: Float tensor `[B1, ..., Bn]` in [0, 1], the value of the gate.
        validate_args: Boolean. Whether to check the arguments of methods.
            Defaults to `False`.
        allow_nan_stats: Boolean, as in `tfp.distributions.Distribution`.
            Defaults to `True`.
        name: Name of the operations. Defaults to `"DeterministicGate"`.

    Raises:
        TypeError: if `loc` is not a float of 16, 32 or 64 bits.

    Example:

    >>> gate = keras_l0.distributions.DeterministicGate([0.0, 0.5])
    >>> gate.sample(seed=tf.constant([1, 2])).numpy()
    array([0. , 0.5], dtype=float32)
    >>> gate.prob_nonzero().numpy()
    array([0., 1.], dtype=float32)
    """

    deterministic_rules = ("value",)

    def __init__(
        self,
        loc: params.TensorLike,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "DeterministicGate",
    ):
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype = params.common_dtype(loc=loc)
            self._loc = params.as_parameter("loc", loc, dtype)
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfd.FULLY_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(
        cls, dtype: tf.DType, num_classes: int | None = None
    ):
        return dict(loc=tfp.util.ParameterProperties())

    @property
    def loc(self) -> tf.Tensor | tf.Variable:
        """The value of the gate."""
        return self._loc

    @property
    def _atom(self):
        return tfd.Deterministic(tf.convert_to_tensor(self.loc))

    def _sample_n(self, n: tf.Tensor, seed: params.TensorLike | None = None):
        return self._atom.sample(n)

    def _quantile(self, value: tf.Tensor):
        inside = (value >= 0) & (value <= 1)
        return tf.where(inside, self.loc, tf.constant(np.nan, self.dtype))

    def _prob(self, value: tf.Tensor):
        return _nan_like(value, self._atom.prob(value))

    def _log_prob(self, value: tf.Tensor):
        return tf.math.log(self._prob(value))

    def _cdf(self, value: tf.Tensor):
        return _nan_like(value, self._atom.cdf(value))

    def _survival_function(self, value: tf.Tensor):
        return 1 - self._cdf(value)

    def _log_cdf(self, value: tf.Tensor):
        return tf.math.log(self._cdf(value))

    def _log_survival_function(self, value: tf.Tensor):
        return tf.math.log(self._survival_function(value))

    def _mean(self):
        return tf.convert_to_tensor(self.loc)

    def _mode(self):
        return self._mean()

    def _variance(self):
        return tf.zeros_like(self.loc)

    def _stddev(self):
        return tf.zeros_like(self.loc)

    def _prob_nonzero(self):
        return tf.cast(tf.convert_to_tensor(self.loc) != 0, self.dtype)

    def _deterministic_gate(self, rule: str):
        return tf.convert_to_tensor(self.loc)

    def _sample_control_dependencies(self, value: tf.Tensor):
        if not self.validate_args:
            return []
        return params.range_assertions(value, 0.0, 1.0)


def _nan_like(value, result):
    """`result`, but NaN where `value` is."""
    return tf.where(tf.math.is_nan(value), value, result)
