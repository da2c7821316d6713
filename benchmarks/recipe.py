"""What a recipe is: a network's gates and the phases of its training."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Phase:
    """Some epochs with one optimizer; between phases the network is narrowed.

    Attributes:
        epochs: Number of epochs.
        learning_rate: Adam's, for the weights.
        gate_learning_rate: Adam's, for the gates; None takes the weights'
            optimizer. 0 keeps the gates as they are, still drawn.
        cosine: Whether both rates fall to 0 along a cosine.
        frozen: Whether the gates are frozen at their deterministic values,
            without a penalty.
        magnitude: None, or percent of the weights of the dense network that
            stay at the start of the phase: the largest.
    """

    epochs: int
    learning_rate: float = 1e-3
    gate_learning_rate: float | None = None
    cosine: bool = False
    frozen: bool = False
    magnitude: float | None = None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one row is trained.

    Attributes:
        l0: Lambda of each layer: the price of one weight, times the number of
            training examples.
        drop_rate: Initial drop rate of each layer's gates.
        phases: The phases.
        batch_size: Examples per step.
        per_example: Whether every example has a draw of its own.
        clamp: Bound of the logits. Below the published log(100) an open gate
            stays noisy, which regularizes; above log(11) it can still close.
        averaging: None, or decay of the average of all weights that is
            evaluated at the end of a phase.
        family: Gate family, whose model is an `L0Model`; None is HardConcrete
            in a plain Keras model, with `drop_rate` and `clamp`.
        options: Arguments of the family.
        on: What the gates of each layer multiply; None is as published.
        l2: None, or factor of half the squared norm of the weights behind
            open gates. It trains no gate.
        architecture_of: None, or row whose kept units make the network. It
            starts with new weights and has no closed unit.
    """

    l0: tuple[float, ...]
    drop_rate: tuple[float, ...]
    phases: tuple[Phase, ...]
    batch_size: int = 128
    per_example: bool = False
    clamp: float = math.log(100)
    averaging: float | None = None
    family: str | None = None
    options: dict = dataclasses.field(default_factory=dict)
    on: tuple[str, ...] | None = None
    l2: float | None = None
    architecture_of: str | None = None
