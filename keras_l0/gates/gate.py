"""The interface of a gate family."""

import abc

import keras
import tensorflow as tf

from keras_l0.distributions import GateDistribution


class Gate(abc.ABC):
    """How a gate is distributed, drawn, trained and used in inference.

    A gate family is a small, serializable, stateless object. The trainable
    numbers, one *logit* per gate, belong to the `keras_l0.GateVector` that
    holds the family; every method here takes them as an argument. TFP copies
    the value of a variable when a distribution is built, so that a family
    builds its distribution anew in every call and never keeps one.

    A new family subclasses this class, implements the abstract methods and
    registers itself with `keras.saving.register_keras_serializable`.

    Example:

    >>> class Bolder(keras_l0.gates.HardConcrete):
    ...     def deterministic_gate(self, logits):
    ...         return tf.cast(logits > 0, "float32")
    >>> Bolder().deterministic_gate(tf.constant([-1.0, 1.0])).numpy()
    array([0., 1.], dtype=float32)
    """

    learns_when_closed: bool = True
    """Whether the loss's gradient by a gate that is 0 reaches its logit.

    Where it does not, a gate may be multiplied in before a ReLU instead of
    behind it, which is cheaper.
    """

    @abc.abstractmethod
    def distribution(self, logits: tf.Tensor) -> GateDistribution:
        """Distribution of the gates.

        Args:
            logits: Float32 tensor of any shape.

        Returns:
            distribution: One scalar gate per entry of `logits`.
        """

    @abc.abstractmethod
    def logits_initializer(self) -> keras.initializers.Initializer:
        """Initializer of the logits."""

    def logits_constraint(self) -> keras.constraints.Constraint | None:
        """Constraint kept by the logits after every optimizer step."""
        return None

    def prob_nonzero(self, logits: tf.Tensor) -> tf.Tensor:
        """Probability that each gate is open; same shape as `logits`."""
        return self.distribution(logits).prob_nonzero()

    @abc.abstractmethod
    def deterministic_gate(self, logits: tf.Tensor) -> tf.Tensor:
        """Gates used in inference; same shape as `logits`, exactly 0 = closed.

        It draws nothing.
        """

    @abc.abstractmethod
    def get_config(self) -> dict:
        """Constructor arguments, as in Keras."""

    @classmethod
    def from_config(cls, config: dict) -> "Gate":
        """Builds the family from `get_config()`'s result, as in Keras."""
        return cls(**config)
