"""Models of which none is both cheaper and better than another."""

import dataclasses
import math

from keras_l0.internal import validation
from keras_l0.report import table

COST_NAMES = {"macs": "MACs", "params": "parameters"}
COSTS = tuple(COST_NAMES)
MODES = ("min", "max")


@dataclasses.dataclass(frozen=True)
class ParetoPoint:
    """One model: what it costs and what it is worth.

    Attributes:
        epoch: Integer, the epoch after which it was taken; the first is 1.
        value: Float, the metric.
        params: Integer, number of weights.
        macs: Integer, multiply-accumulates for one example.
        file: String, name of the model's file; empty if there is none.

    Example:

    >>> keras_l0.report.ParetoPoint(3, 0.98, params=1000, macs=9000).macs
    9000
    """

    epoch: int
    value: float
    params: int
    macs: int
    file: str = ""


@dataclasses.dataclass(frozen=True)
class ParetoFront:
    """The points that no other point dominates.

    A point dominates another if it costs no more and its value is no worse,
    and if it is not simply the same in both.

    Attributes:
        monitor: String, what the values are, e.g. `"val_accuracy"`.
        mode: `"min"` or `"max"`, which values are good.
        cost: `"macs"` or `"params"`, what is compared.
        points: `ParetoPoint`s, the cheapest first.
        params, macs: Integers, what the network costs with all its units;
            None if that is not known.

    Raises:
        ValueError: if `mode` or `cost` is unknown.

    Example:

    >>> front = keras_l0.report.ParetoFront("val_accuracy", "max", "macs")
    >>> for epoch, value, macs in ((1, .90, 80), (2, .92, 60), (3, .91, 50)):
    ...     point = keras_l0.report.ParetoPoint(epoch, value, 10, macs)
    ...     front = front.with_point(point)
    >>> print(front)
    epoch  val_accuracy  MACs  params
    3              0.91    50      10
    2              0.92    60      10
    """

    monitor: str
    mode: str
    cost: str
    points: tuple[ParetoPoint, ...] = ()
    params: int | None = None
    macs: int | None = None

    def __post_init__(self):
        validation.check_choice("mode", self.mode, MODES)
        validation.check_choice("cost", self.cost, COSTS)

    def admits(self, point: ParetoPoint) -> bool:
        """Whether no point here dominates `point`, or is its equal.

        Args:
            point: A `ParetoPoint`. One whose value is not finite is never
                admitted.
        """
        return math.isfinite(point.value) and not any(
            self._covers(other, point) for other in self.points
        )

    def with_point(self, point: ParetoPoint) -> "ParetoFront":
        """The front after `point` has come, if it admits it.

        Args:
            point: A `ParetoPoint`.

        Returns:
            front: A new `ParetoFront`, without what `point` dominates; this
                one, if it does not admit `point`.
        """
        if not self.admits(point):
            return self
        rest = [p for p in self.points if not self._covers(point, p)]
        points = sorted([*rest, point], key=self.cost_of)
        return dataclasses.replace(self, points=tuple(points))

    def cost_of(self, point: ParetoPoint) -> int:
        """What is compared of `point`.

        Args:
            point: A `ParetoPoint`.
        """
        return getattr(point, self.cost)

    @property
    def full_cost(self) -> int | None:
        """What is compared of the network with all its units."""
        return getattr(self, self.cost)

    def _covers(self, one, other):
        """Whether `one` is as good as `other` in both respects."""
        sign = 1 if self.mode == "max" else -1
        return (
            self.cost_of(one) <= self.cost_of(other)
            and sign * one.value >= sign * other.value
        )

    def __str__(self) -> str:
        return "\n".join(table.aligned(self.rows()))

    def rows(self) -> list[list[str]]:
        """The points as a table.

        Returns:
            rows: Cells of the header and of each point, as text. A column of
                which nothing is known is left out.
        """
        header = ["epoch", self.monitor, "MACs", "of all", "params", "of all"]
        cells = [self._cells(point) for point in self.points]
        columns = [
            column
            for column in zip([*header, "file"], *cells, strict=True)
            if any(column[1:]) or not cells
        ]
        return [list(row) for row in zip(*columns, strict=True)]

    def _cells(self, point):
        return [
            f"{point.epoch}",
            f"{point.value:.6g}",
            table.with_prefix(point.macs),
            _share(point.macs, self.macs),
            table.with_commas(point.params),
            _share(point.params, self.params),
            point.file,
        ]

    def to_dict(self) -> dict:
        """The front as plain Python data.

        Returns:
            record: The attributes by their names.
        """
        return {
            **dataclasses.asdict(self),
            "points": [dataclasses.asdict(point) for point in self.points],
        }

    @classmethod
    def from_dict(cls, record: dict) -> "ParetoFront":
        """The front that `to_dict` described.

        Args:
            record: Dict.

        Returns:
            front: A `ParetoFront`.

        Raises:
            TypeError: if `record` describes something else.
            ValueError: if a number in it is out of its range.
        """
        points = tuple(map(_checked_point, record["points"]))
        return cls(**{**record, "points": points})


def _checked_point(record):
    """The point that a file describes; nothing in it is taken on trust."""
    point = ParetoPoint(**record)
    for name in ("epoch", "params", "macs"):
        validation.check_integer(name, getattr(point, name), 0)
    validation.check_number("value", point.value)
    if not isinstance(point.file, str):
        raise TypeError(
            "`file` must be a string. "
            f"Received: file={point.file!r} ({type(point.file).__name__})"
        )
    return point


def read_front(pareto: object) -> ParetoFront:
    """The front that a caller means.

    Args:
        pareto: A `ParetoFront`, an object that has one as its `front`, or a
            sequence of `ParetoPoint`s, which are then compared by their MACs.

    Raises:
        TypeError: if it is nothing of that kind.
    """
    front = getattr(pareto, "front", pareto)
    if isinstance(front, ParetoFront):
        return front
    if isinstance(front, (list, tuple)) and all(
        isinstance(point, ParetoPoint) for point in front
    ):
        points = tuple(sorted(front, key=lambda point: point.macs))
        return ParetoFront("value", "max", "macs", points)
    raise TypeError(
        "`pareto` must be a `ParetoFront`, a `ParetoCheckpoint` that has been "
        "trained with, or a list of `ParetoPoint`s. "
        f"Received: pareto={pareto!r} ({type(pareto).__name__})"
    )


def _share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else ""
