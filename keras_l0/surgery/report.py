"""What strip_gates did, what it could not do, and why."""

import dataclasses
import json

from keras_l0.surgery.barrier import Barrier


@dataclasses.dataclass(frozen=True)
class LayerReport:
    """One layer before and after.

    Attributes:
        name: Name of the layer; `/` leads into nested models.
        layer: Its class.
        units_before, units_after: Channels of its output.
        folded: Nonzero constants of closed units that were folded into its
            weights.
    """

    name: str
    layer: str
    units_before: int
    units_after: int
    folded: int = 0


@dataclasses.dataclass(frozen=True)
class BarrierReport:
    """A call through which units could not be followed.

    Attributes:
        name: Name of the call.
        layer: Class of the operation.
        reason: A `keras_l0.surgery.Barrier`.
    """

    name: str
    layer: str
    reason: Barrier


@dataclasses.dataclass(frozen=True)
class StripReport:
    """The record of one `strip_gates`.

    Attributes:
        layers: Layers with units, in order.
        barriers: What was left whole, and why.
        params_before, params_after: Parameters without the gates' own.
        macs_before, macs_after: Multiply-accumulates for one example.
        max_difference: Largest difference between the outputs of the gated
            and the stripped model on a random batch, absolute.
        output_scale: Largest output on that batch, absolute.
        notes: Anything else worth knowing.
        reserved: Name of a gated layer -> closed units of it that were kept,
            with the weights that compute them and weights of 0 behind them.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3), name="gated")
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), gated, keras.layers.Dense(1)]
    ... )
    >>> small, report = keras_l0.strip_gates(model, return_report=True)
    >>> report.params_before
    13
    """

    layers: tuple[LayerReport, ...]
    barriers: tuple[BarrierReport, ...]
    params_before: int
    params_after: int
    macs_before: int
    macs_after: int
    max_difference: float
    output_scale: float
    notes: tuple[str, ...] = ()
    reserved: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    def to_dict(self) -> dict:
        """The report as plain Python data."""
        record = dataclasses.asdict(self)
        for barrier in record["barriers"]:
            barrier["reason"] = barrier["reason"].name
        return record

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=2)

    def __str__(self) -> str:
        lines = [f"{'layer':<28}{'class':<22}{'units':>16}{'folded':>9}"]
        for row in self.layers:
            units = f"{row.units_before} -> {row.units_after}"
            lines.append(
                f"{row.name:<28}{row.layer:<22}{units:>16}{row.folded:>9}"
            )
        lines.append(
            f"params {self.params_before:,} -> {self.params_after:,}, "
            f"MACs {self.macs_before:,} -> {self.macs_after:,}"
        )
        lines.append(
            f"largest difference {self.max_difference:.2e} "
            f"(outputs up to {self.output_scale:.2e})"
        )
        for row in self.barriers:
            lines.append(
                f"left whole: {row.name} ({row.layer}): {row.reason.value}"
            )
        for name, units in self.reserved.items():
            lines.append(f"closed, but kept: {name}: {units}")
        return "\n".join([*lines, *self.notes])
