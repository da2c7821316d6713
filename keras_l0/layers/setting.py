"""Sets logits so that gates have the values that are wanted in inference."""

import numpy as np

from keras_l0.gates import Gate
from keras_l0.layers.gate_vector import GateVector

_GRID = np.linspace(-16, 16, 32 * 1024 + 1, dtype="float32")
# Whatever is at least this much is open.
TINY = np.finfo("float32").tiny


def logits_around(gate: Gate, level: float) -> tuple[float, float]:
    """Two logits close to each other, with gates below and at `level`.

    Args:
        gate: A gate family whose inference takes each logit by itself.
        level: Float in (0, 1].

    Returns:
        below: A logit whose gate is below `level`; -16 if there is none.
        above: A logit, higher by 1 / 1024, whose gate is at least `level`; 16
            if there is none.
    """
    # All at once: a search asks one by one, and each answer builds a
    # distribution, which takes longer than so many logits.
    values = np.asarray(gate.deterministic_gate(_GRID[1:-1]))
    first = np.searchsorted(values, level)
    return float(_GRID[first]), float(_GRID[first + 1])


def set_open(vector: GateVector, opened: np.ndarray) -> None:
    """Opens and closes gates; those that need not change keep their logits.

    A gate that was closed opens to about one half; one that was open closes
    just so.

    Args:
        vector: A built gate vector.
        opened: Boolean `[num_gates]`.

    Raises:
        ValueError: if a logit does not set its gate alone: where gates depend
            on each other, or on how many are open.
    """
    gate = vector.present_gate
    closed, _ = logits_around(gate, TINY)
    _, half = logits_around(gate, 0.5)
    is_open = vector.deterministic_gate().numpy() != 0
    logits = vector.effective_logits().numpy()
    logits = np.where(opened & ~is_open, half, logits)
    logits = np.where(~opened & is_open, closed, logits)
    found = np.asarray(gate.deterministic_gate(logits)) != 0
    if gate.chained or (found != opened).any():
        raise ValueError(
            f"The gates of '{vector.name}' cannot be set one by one. "
            f"Received: gate={type(gate).__name__} with {gate.get_config()}"
        )
    vector.logits.assign(logits)
