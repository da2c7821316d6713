"""The gates of one training step, drawn together."""

import itertools

import tensorflow as tf

from keras_l0.distributions import uniforms
from keras_l0.internal import replicas
from keras_l0.layers import GateVector
from keras_l0.layers import L0Gate

# (id of the gate vector, whether one draw per example)
Key = tuple[int, bool]

# Vectors with more gates are transformed alone: an operation costs less than
# the copies, and XLA computes concatenations number by number on CPUs.
_MOST_TOGETHER = 4096


class Draws:
    """One draw of every gate vector that trains.

    The uniform numbers of all vectors come from one operation, and small
    vectors of equal families are transformed together: fifty of them cost what
    one large one does. The seed is that of the first vector.

    Args:
        layers: The `L0Gate`s of the model.
        batch_size: Number of examples in the step.
        per_replica: Whether the replicas of a distribution strategy draw
            other gates each. Defaults to False.
    """

    def __init__(
        self,
        layers: list[L0Gate],
        batch_size: tf.Tensor | int,
        per_replica: bool = False,
    ):
        self._per_replica = per_replica
        self.vectors: dict[Key, GateVector] = {
            (id(layer.gate_vector), layer.draws_per_example): layer.gate_vector
            for layer in layers
            if layer.gates_train
        }
        self._uniforms: dict[Key, tf.Tensor] = {}
        for per_example, examples in ((False, ()), (True, (batch_size,))):
            self._draw(per_example, examples)

    def _draw(self, per_example, examples):
        chosen = {
            key: vector
            for key, vector in self.vectors.items()
            if vector.gate.stochastic and key[1] == per_example
        }
        if not chosen:
            return
        sizes = [vector.num_gates for vector in chosen.values()]
        seed = next(iter(chosen.values())).next_seed()
        if self._per_replica:
            seed = replicas.own_seed(seed)
        shape = (*examples, sum(sizes))
        pieces = tf.split(uniforms.draw(shape, tf.float32, seed), sizes, -1)
        self._uniforms |= zip(chosen, pieces, strict=True)

    @property
    def antithetic(self) -> bool:
        """Whether a second pass is needed."""
        return any(v.gate.antithetic for v in self.vectors.values())

    def gates(self, antithetic: bool = False) -> dict[Key, tf.Tensor]:
        """The gates, differentiable where their families are.

        Args:
            antithetic: Whether binary gates come from `1 - u`; the others
                are the same in both passes.
        """
        found: dict[Key, tf.Tensor] = {}
        for keys in self._alike():
            vectors = [self.vectors[key] for key in keys]
            logits = [vector.data_logits() for vector in vectors]
            numbers = [self._uniforms.get(key) for key in keys]
            family = vectors[0].present_gate
            if antithetic and family.antithetic:
                numbers = [1 - u for u in numbers]
            found |= zip(keys, _sample(family, logits, numbers), strict=True)
        return found

    def _alike(self):
        """Keys in runs of equal families; some vectors stay alone."""

        def family(item):
            key, vector = item
            gate = vector.gate
            alone = gate.scheduled or vector.num_gates > _MOST_TOGETHER
            config = sorted(map(repr, gate.get_config().items()))
            return repr((type(gate), config, key[1], alone and key))

        runs = itertools.groupby(
            sorted(self.vectors.items(), key=family), key=family
        )
        return [[key for key, _ in run] for _, run in runs]

    def surrogate(
        self, loss: tf.Tensor, antithetic_loss: tf.Tensor | None
    ) -> tf.Tensor:
        """A scalar whose gradient by the logits is the estimated one.

        Args:
            loss: The loss of the step, a scalar or `[batch]`.
            antithetic_loss: The same under antithetic gates, or None.
        """
        total = tf.constant(0.0)
        for key, vector in self.vectors.items():
            if not vector.gate.estimates_gradient:
                continue
            logits = vector.effective_logits()
            gradient = vector.present_gate.logits_gradient(
                tf.stop_gradient(logits),
                self._uniforms[key],
                *_shares(loss, antithetic_loss, key[1]),
            )
            total += tf.reduce_sum(tf.stop_gradient(gradient) * logits)
        return total


def _sample(family, logits, numbers):
    """Samples of several vectors by one call."""
    sizes = [piece.shape[0] for piece in logits]
    joined = None if numbers[0] is None else tf.concat(numbers, -1)
    return tf.split(family.sample(tf.concat(logits, 0), joined), sizes, -1)


def _shares(loss, antithetic_loss, per_example):
    """A vector that is drawn once for the batch sees the sum of the shares."""
    if per_example:
        return loss, antithetic_loss
    return [
        f if f is None else tf.reduce_sum(f) for f in (loss, antithetic_loss)
    ]
