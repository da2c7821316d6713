"""What size a network is to have in the end."""

import dataclasses
import math

from keras_l0.budget.cost_model import ExpectedCost
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

_ON_UNREACHABLE = ("error", "closest")


class UnreachableBudgetError(ValueError):
    """A budget that is out of reach, whatever gates are closed.

    Example:

    >>> issubclass(keras_l0.budget.UnreachableBudgetError, ValueError)
    True
    """


@keras_l0_export
@dataclasses.dataclass(frozen=True, kw_only=True)
class Budget:
    """The size that training must reach, and how it gets there.

    Give it to `keras_l0.add_gates` or to `L0Model.compile`. One call of
    `L0Model.fit` then goes through three phases, in fractions of its epochs:

    1. until `start`, gates and weights train without a constraint;
    2. until `1 - fine_tune`, the expected cost is bound to a target that
       falls from the dense network's to the budget, which it reaches after
       four fifths of the phase. While the cost is above the target, a
       multiplier grows and pushes gates shut; once it is below, the
       multiplier restarts at 0;
    3. the gates with the highest logits that fit into the budget are opened,
       all others closed, and all are frozen; the weights train on.

    `strip_gates` then gives a network within the budget. Statistics of batch
    normalization are taken anew when the gates are frozen and at the end.

    Several limits hold at once. A float is a fraction of the dense network, in
    (0, 1]; an integer is an absolute number.

    Args:
        macs: Limit of multiply-accumulates for one example, or None.
        params: Limit of the number of weights, or None.
        bytes: Limit of the size of the weights as the model keeps them
            (4 bytes each in float32), or None.
        min_units: Integer, at least 1: units that each gate vector keeps.
            Defaults to 1.
        round_to: Integer, at least 1: each gate vector keeps a multiple of so
            many units, or all that it has. Defaults to 1.
        start: Float in [0, 1): when the first phase ends. Defaults to 0.1.
        fine_tune: Float in [0, 1): share of the last phase. At 0 gates are
            chosen after the last epoch. Defaults to 0.3.
        recalibrate: Whether statistics of batch normalization are taken anew.
            Defaults to `True`.
        on_unreachable: What to do where the budget is less than `min_units`,
            `round_to` and what has no gates leave: `"error"`, or `"closest"`,
            which takes the least that is possible. Defaults to `"error"`.

    Raises:
        TypeError: if a limit is not a number.
        ValueError: if there is no limit, or a number is out of its range.

    Example:

    >>> keras_l0.Budget(macs=0.4, params=100_000).limits()
    {'macs': 0.4, 'params': 100000}

    Reference:
        [Gallego-Posada et al., 2022](https://arxiv.org/abs/2208.04425): the
        constraint, its multiplier and the restarts. The schedule, the scale
        of the multiplier and the choice at the end are ours.
    """

    macs: float | int | None = None
    params: float | int | None = None
    bytes: float | int | None = None
    min_units: int = 1
    round_to: int = 1
    start: float = 0.1
    fine_tune: float = 0.3
    recalibrate: bool = True
    on_unreachable: str = "error"

    def __post_init__(self):
        if not self.limits():
            raise ValueError(
                "`Budget` needs a limit: `macs`, `params` or `bytes`. "
                "Received: none of them"
            )
        for name, value in self.limits().items():
            _check_limit(name, value)
        validation.check_integer("min_units", self.min_units, 1)
        validation.check_integer("round_to", self.round_to, 1)
        validation.check_boolean("recalibrate", self.recalibrate)
        for name in ("start", "fine_tune"):
            value = getattr(self, name)
            if not isinstance(value, float | int) or not 0 <= value < 1:
                raise ValueError(
                    f"`{name}` must be in [0, 1). Received: {name}={value!r}"
                )
        if self.start + self.fine_tune >= 1:
            raise ValueError(
                "`start` and `fine_tune` leave no time to close gates. "
                f"Received: start={self.start}, fine_tune={self.fine_tune}"
            )
        validation.check_choice(
            "on_unreachable", self.on_unreachable, _ON_UNREACHABLE
        )

    def limits(self) -> dict[str, float | int]:
        """The limits that are set, by their names."""
        found = {
            name: getattr(self, name) for name in ("macs", "params", "bytes")
        }
        return {k: v for k, v in found.items() if v is not None}

    def fractions(self, dense: ExpectedCost) -> dict[str, float]:
        """The limits as fractions of the dense network.

        Args:
            dense: Its cost.

        Raises:
            ValueError: if a limit is above the dense network's.
        """
        found = {}
        for name, limit in self.limits().items():
            total = getattr(dense, name)
            if isinstance(limit, int) and limit > total:
                raise ValueError(
                    f"`{name}` of the budget is more than the {total:,} of the "
                    f"network without gates. Received: {name}={limit:,}"
                )
            share = limit / total if isinstance(limit, int) else limit
            found[name] = float(share)
        return found

    def get_config(self) -> dict:
        """Constructor arguments, as in Keras."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict) -> "Budget":
        """Builds the budget from `get_config()`'s result, as in Keras."""
        return cls(**config)


def _check_limit(name, value):
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise TypeError(
            f"`{name}` must be a fraction (float) or an absolute number "
            f"(integer). Received: {name}={value!r} ({type(value).__name__})"
        )
    if isinstance(value, int) and value < 1:
        raise ValueError(
            f"`{name}` must be at least 1 as an integer. "
            f"Received: {name}={value!r}"
        )
    if isinstance(value, float) and not 0 < value <= 1:
        hint = ""
        if math.isfinite(value) and value > 1:
            hint = f"; an absolute number is an integer: {name}={round(value)}"
        raise ValueError(
            f"`{name}` must be in (0, 1] as a fraction of the dense network. "
            f"Received: {name}={value!r}{hint}"
        )
