"""Tells which gates have been closed for good."""

import numpy as np

from keras_l0.layers import GateVector
from keras_l0.surgery.reserve import Limits


class ClosedGates:
    """Counts for how many checks in a row each gate has been closed.

    A gate counts as closed if it is 0 in inference and, in training, open
    with a probability below a threshold. Gates that are frozen cannot open
    again.

    Args:
        threshold: Float, see above.
        patience: Integer: checks until a gate is closed for good.
        limits: How many units each gate vector keeps at least.
    """

    def __init__(self, threshold: float, patience: int, limits: Limits):
        self._threshold, self._patience = threshold, patience
        self._limits = limits
        # Id of a gate vector -> the vector, to keep the id its own; counts.
        self._counts: dict[int, tuple[GateVector, np.ndarray]] = {}

    def check(self, vectors: list[GateVector]) -> None:
        """Looks at the gates once more."""
        for vector in vectors:
            rare = vector.prob_nonzero().numpy() < self._threshold
            closed = rare & _is_closed(vector)
            counts = np.where(closed, self._count(vector) + 1, 0)
            self._counts[id(vector)] = vector, counts

    def _count(self, vector):
        none = vector, np.zeros(vector.num_gates, int)
        return self._counts.get(id(vector), none)[1]

    def removable(self, vector: GateVector) -> np.ndarray:
        """Which units may go, boolean `[num_gates]`; never all of them.

        Where fewer may go than are closed, those with the lowest logits go.
        """
        closed = self._count(vector) >= self._patience
        if not vector.trainable:
            closed = _is_closed(vector)
        opened = int((~closed).sum())
        spare = self._limits.kept(opened, closed.size) - opened
        logits = vector.effective_logits().numpy()
        order = np.argsort(np.where(closed, -logits, np.inf), kind="stable")
        closed[order[:spare]] = False
        return closed

    def counts(self, vectors: dict[str, GateVector]) -> dict[str, list[int]]:
        """For how many checks gates have been closed, by name of a vector."""
        return {name: self._count(v).tolist() for name, v in vectors.items()}

    def set_counts(
        self, vectors: dict[str, GateVector], counts: dict[str, list[int]]
    ) -> None:
        """Goes on from what `counts` of an equal model returned."""
        self._counts = {
            id(vector): (vector, np.array(counts[name]))
            for name, vector in vectors.items()
            if len(counts.get(name, ())) == vector.num_gates
        }

    def moved(
        self, vectors: list[tuple[GateVector, np.ndarray, GateVector]]
    ) -> None:
        """Goes on counting after a cut.

        Args:
            vectors: `(old gate vector, gates that were kept, new one)`.
        """
        self._counts = {
            id(new): (new, self._count(old)[kept]) for old, kept, new in vectors
        }


def _is_closed(vector):
    return vector.deterministic_gate().numpy() == 0
