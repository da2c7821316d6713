"""A gate that is exactly 0 or 1."""

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_l0.distributions import parameters as params
from keras_l0.distributions import safe_math
from keras_l0.distributions import uniforms
from keras_l0.distributions.gate_distribution import GateDistribution

tfd = tfp.distributions


class BernoulliGate(GateDistribution):
    """Coin that is open (1) with probability p, else closed (0).

    `tfp.distributions.Bernoulli` with the two questions of a gate. A sample
    is `1[u > 1 - p]`, `u ~ Uniform(0, 1)`, and carries no gradient: it takes
    an estimator to train its logits (`keras_l0.gates.ARM`).

    `deterministic_gate("continuous")` is p where it is at least 1/2 and 0
    elsewhere; `"binary"` is 1 where p exceeds 1/2. `quantile` is NaN outside
    [0, 1].

    Args:
        logits: Float tensor `[B1, ..., Bn]`, log-odds of an open gate; or
            None.
        probs: Float tensor `[B1, ..., Bn]` in [0, 1], probability of an open
            gate; or None. Exactly one of the two is given.
        validate_args: Boolean. Whether to check `probs` and the arguments of
            methods. Defaults to `False`.
        allow_nan_stats: Boolean, as in `tfp.distributions.Distribution`.
            Defaults to `True`.
        name: Name of the operations. Defaults to `"BernoulliGate"`.

    Raises:
        TypeError: if the parameter is not a float of 16, 32 or 64 bits.
        ValueError: unless exactly one of `logits` and `probs` is given.

    Example:

    >>> gate = keras_l0.distributions.BernoulliGate(logits=[-1.0, 1.0])
    >>> gate.prob_nonzero().numpy().round(4)
    array([0.2689, 0.7311], dtype=float32)
    >>> gate.deterministic_gate("binary").numpy()
    array([0., 1.], dtype=float32)
    """

    deterministic_rules = ("continuous", "binary")

    def __init__(
        self,
        logits: params.TensorLike | None = None,
        probs: params.TensorLike | None = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "BernoulliGate",
    ):
        parameters = dict(locals())
        given = {
            key: value
            for key, value in (("logits", logits), ("probs", probs))
            if value is not None
        }
        if len(given) != 1:
            raise ValueError(
                "Exactly one of `logits` and `probs` must be given. "
                f"Received: logits={logits}, probs={probs}"
            )
        with tf.name_scope(name) as name:
            dtype = params.common_dtype(**given)
            kept = {
                k: params.as_parameter(k, v, dtype) for k, v in given.items()
            }
            self._logits = kept.get("logits")
            self._probs = kept.get("probs")
            super().__init__(
                dtype=dtype,
                reparameterization_type=tfd.NOT_REPARAMETERIZED,
                validate_args=validate_args,
                allow_nan_stats=allow_nan_stats,
                parameters=parameters,
                name=name,
            )

    @classmethod
    def _parameter_properties(
        cls, dtype: tf.DType, num_classes: int | None = None
    ):
        return dict(
            logits=tfp.util.ParameterProperties(),
            probs=tfp.util.ParameterProperties(
                default_constraining_bijector_fn=tfp.bijectors.Sigmoid,
                is_preferred=False,
            ),
        )

    @property
    def logits(self) -> tf.Tensor | tf.Variable | None:
        """Log-odds of an open gate, if given."""
        return self._logits

    @property
    def probs(self) -> tf.Tensor | tf.Variable | None:
        """Probability of an open gate, if given."""
        return self._probs

    def _prob_open(self):
        if self.logits is None:
            return tf.convert_to_tensor(self.probs)
        return tf.sigmoid(tf.convert_to_tensor(self.logits))

    def _prob_closed(self):
        if self.logits is None:
            return 1 - tf.convert_to_tensor(self.probs)
        return tf.sigmoid(-tf.convert_to_tensor(self.logits))

    def _log_probs(self):
        """Logarithms of the probabilities of closed and open."""
        if self.logits is None:
            return safe_math.safe_log(self._prob_closed()), safe_math.safe_log(
                self._prob_open()
            )
        logits = tf.convert_to_tensor(self.logits)
        return -tf.nn.softplus(logits), -tf.nn.softplus(-logits)

    def _sample_n(self, n: tf.Tensor, seed: params.TensorLike | None = None):
        shape = tf.concat([[n], self._batch_shape_tensor()], 0)
        return self._quantile(uniforms.draw(shape, self.dtype, seed))

    def _quantile(self, value: tf.Tensor):
        closed = tf.cast(self._prob_closed(), value.dtype)
        gate = tf.cast(value > closed, self.dtype)
        inside = (value >= 0) & (value <= 1)
        return tf.where(inside, gate, tf.constant(np.nan, self.dtype))

    def _prob(self, value: tf.Tensor):
        return self._choose(value, self._prob_closed(), self._prob_open(), 0.0)

    def _log_prob(self, value: tf.Tensor):
        return self._choose(value, *self._log_probs(), -np.inf)

    def _choose(self, value, if_zero, if_one, otherwise):
        """By value: 0, 1, or anything else (NaN for NaN)."""
        otherwise = tf.where(
            tf.math.is_nan(value), value, tf.constant(otherwise, self.dtype)
        )
        at_one = tf.where(value == 1, if_one, otherwise)
        return tf.where(value == 0, if_zero, at_one)

    def _cdf(self, value: tf.Tensor):
        return self._between(value, 0.0, self._prob_closed(), 1.0)

    def _log_cdf(self, value: tf.Tensor):
        return self._between(value, -np.inf, self._log_probs()[0], 0.0)

    def _survival_function(self, value: tf.Tensor):
        return self._between(value, 1.0, self._prob_open(), 0.0)

    def _log_survival_function(self, value: tf.Tensor):
        return self._between(value, 0.0, self._log_probs()[1], -np.inf)

    def _between(self, value, below_zero, inside, from_one):
        """`inside` on [0, 1), constants on either side (NaN for NaN)."""
        low, high = (tf.constant(x, self.dtype) for x in (below_zero, from_one))
        inside = tf.where(tf.math.is_nan(value), value, inside)
        result = tf.where(value < 0, low, inside)
        return tf.where(value >= 1, high, result)

    def _mean(self):
        return self._prob_open()

    def _variance(self):
        return self._prob_open() * self._prob_closed()

    def _stddev(self):
        return safe_math.safe_sqrt(self._variance())

    def _mode(self):
        return self._deterministic_gate("binary")

    def _prob_nonzero(self):
        return self._prob_open()

    def _deterministic_gate(self, rule: str):
        prob, zero = self._prob_open(), tf.constant(0, self.dtype)
        if rule == "continuous":
            return tf.where(prob >= 0.5, prob, zero)
        return tf.cast(prob > 0.5, self.dtype)

    def _parameter_control_dependencies(self, is_init: bool):
        if not self.validate_args or self.probs is None:
            return []
        return params.assertions(
            lambda probs: (probs >= 0) & (probs <= 1),
            "`probs` must lie in [0, 1].",
            is_init,
            probs=self.probs,
        )

    def _sample_control_dependencies(self, value: tf.Tensor):
        if not self.validate_args:
            return []
        return params.range_assertions(value, 0.0, 1.0)
