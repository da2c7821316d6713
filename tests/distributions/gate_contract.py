"""The table of distributions that must keep the contract: one row each.

A new family of gates adds a row here and is then held to every clause of
`keras_l0/distributions/README.md` by `gate_contract_test.py`.
"""

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from keras_l0 import distributions

tfd = tfp.distributions


@dataclasses.dataclass(frozen=True)
class Row:
    """A distribution and what the contract leaves to it.

    Attributes:
        name: Name of the row in the log.
        make: Function `(logits, validate_args=False)` that returns the
            distribution; a larger logit makes a larger gate more probable.
        low: Lower end of the range.
        high: Upper end of the range.
        atoms: Values of positive probability.
        density: Whether the other values between the ends have a density.
        moments: Whether mean, variance and stddev are implemented.
        pathwise: Whether a sample carries its gradient to the logits.
        random: Whether two samples may differ.
    """

    name: str
    make: Callable
    low: float = 0.0
    high: float = 1.0
    atoms: tuple[float, ...] = (0.0, 1.0)
    density: bool = True
    moments: bool = True
    pathwise: bool = True
    random: bool = True

    @property
    def cls(self) -> type:
        return type(self.make(0.0))

    @property
    def is_gate(self) -> bool:
        return issubclass(self.cls, distributions.GateDistribution)


def _clipped_logistic(logits, validate_args=False):
    return distributions.Clipped(
        tfd.Logistic(logits, 1.5), validate_args=validate_args
    )


def _bernoulli_of_probs(logits, validate_args=False):
    # Never 0 or 1, whose logarithms are not finite.
    probs = tfp.util.DeferredTensor(
        _as_reference(logits), lambda x: 0.02 + 0.96 * tf.sigmoid(x)
    )
    return distributions.BernoulliGate(probs=probs, validate_args=validate_args)


def _deterministic(logits, validate_args=False):
    step = tfp.util.DeferredTensor(_as_reference(logits), _unit_step)
    return distributions.DeterministicGate(step, validate_args=validate_args)


def _as_reference(logits):
    if isinstance(logits, tf.Variable):
        return logits
    return tf.convert_to_tensor(logits, getattr(logits, "dtype", tf.float32))


def _unit_step(logits):
    return tf.cast(logits > 0, logits.dtype)


ROWS = (
    Row(
        "bernoulli",
        distributions.BernoulliGate,
        density=False,
        pathwise=False,
    ),
    Row(
        "bernoulli_of_probs",
        _bernoulli_of_probs,
        density=False,
        pathwise=False,
    ),
    Row(
        "deterministic",
        _deterministic,
        density=False,
        pathwise=False,
        random=False,
    ),
    Row("hard_concrete", distributions.HardConcrete),
    Row(
        "hard_concrete_lopsided",
        functools.partial(
            distributions.HardConcrete,
            temperature=1.5,
            stretch_low=-0.3,
            stretch_high=1.05,
        ),
    ),
    Row(
        "stretched_concrete",
        distributions.StretchedConcrete,
        low=-0.1,
        high=1.1,
        atoms=(),
    ),
    Row("clipped_logistic", _clipped_logistic, moments=False),
)

GATES = tuple(row for row in ROWS if row.is_gate)
