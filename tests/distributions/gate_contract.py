"""The table of distributions that must keep the contract: one row each.

A new family of gates adds a row here and is then held to every clause of
`keras_l0/distributions/README.md` by `gate_contract_test.py`.
"""

import dataclasses
import functools
from collections.abc import Callable

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
    """

    name: str
    make: Callable
    low: float = 0.0
    high: float = 1.0
    atoms: tuple[float, ...] = (0.0, 1.0)
    density: bool = True
    moments: bool = True
    pathwise: bool = True

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


ROWS = (
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
