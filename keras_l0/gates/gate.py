"""The interface of a gate family."""

import abc
import copy

import keras
import tensorflow as tf

from keras_l0.distributions import GateDistribution
from keras_l0.gates import schedules
from keras_l0.gates import weight_group


class Gate(abc.ABC):
    """How a gate is distributed, drawn, trained and used in inference.

    A gate family is a small, serializable, stateless object. The trainable
    numbers, one *logit* per gate, belong to the `keras_l0.GateVector` that
    holds the family; every method here takes them as an argument. TFP copies
    the value of a variable when a distribution is built, so that a family
    builds its distribution anew in every call and never keeps one.

    A new family subclasses this class, implements the abstract methods and
    registers itself with `keras.saving.register_keras_serializable`. An
    argument may be a `keras.optimizers.schedules.LearningRateSchedule`, kept
    as an attribute: `at` replaces it by its present value.

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

    stochastic: bool = True
    """Whether training draws the gates."""

    scales_with_loss: bool = True
    """Whether a loss twice as large has gradients twice as large."""

    shares_data_logits: bool = False
    """Whether the penalty's gradient goes through `data_logits` too."""

    needs_model: bool = False
    """Whether only `keras_l0.L0Model` can train it.

    True where the gradient is not that of automatic differentiation, or where
    the logits come from the gates of other layers.
    """

    estimates_gradient: bool = False
    """Whether `logits_gradient` takes the place of differentiation."""

    antithetic: bool = False
    """Whether `logits_gradient` needs a second pass on antithetic gates."""

    chained: bool = False
    """Whether the logits are generated along the layers (`GateChain`)."""

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

    def sample(self, logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Gates of a training step.

        Args:
            logits: Float32 tensor `[num_gates]`.
            uniforms: Float32 tensor `[num_gates]` or `[batch, num_gates]` of
                uniform numbers in (0, 1).

        Returns:
            gates: Of the shape of `uniforms`.
        """
        return self.distribution(logits).quantile(uniforms)

    def data_logits(
        self,
        logits: tf.Tensor,
        features: list[tuple[int, int]],
        loss_scale: tf.Tensor | float = 1.0,
    ) -> tf.Tensor:
        """`logits`, with whatever the family does to the loss's gradient.

        Args:
            logits: Float32 tensor `[num_gates]`.
            features: `(rows, features)` of each piece of the gates, in turn:
                the gates of a weight matrix, flattened, or `(num_gates, 1)`.
            loss_scale: What the loss is multiplied with for mixed precision.

        Returns:
            logits: The same values.
        """
        return logits

    def logits_gradient(
        self,
        logits: tf.Tensor,
        uniforms: tf.Tensor,
        loss: tf.Tensor,
        antithetic_loss: tf.Tensor | None,
    ) -> tf.Tensor:
        """Estimate of the loss's gradient by the logits.

        Only for a family that `estimates_gradient`.

        Args:
            logits: Float32 tensor `[num_gates]`.
            uniforms: The draw, `[num_gates]` or `[batch, num_gates]`.
            loss: The loss under `sample(logits, uniforms)`: a scalar, or
                `[batch]`, one share per example.
            antithetic_loss: The same under `sample(logits, 1 - uniforms)`,
                or None where the family is not `antithetic`.

        Returns:
            gradient: Float32 tensor `[num_gates]`.
        """
        raise NotImplementedError(
            f"{type(self).__name__} is trained by differentiation."
        )

    def prob_nonzero(self, logits: tf.Tensor) -> tf.Tensor:
        """Probability that each gate is open; same shape as `logits`."""
        return self.distribution(logits).prob_nonzero()

    def expected_l0(self, logits: tf.Tensor) -> tf.Tensor:
        """What the penalty charges for, gate by gate; differentiable.

        `prob_nonzero` by default. A family whose probability of an open gate
        has no useful gradient puts a surrogate here.
        """
        return self.prob_nonzero(logits)

    def expected_weights(
        self, open_gates: tf.Tensor, group: weight_group.WeightGroup
    ) -> tf.Tensor:
        """Number of weights that `l0` charges a layer for.

        Args:
            open_gates: `expected_l0` of the layer's gates, `[num_gates]`.
            group: The weights that each gate stands for.

        Returns:
            weights: Float32 scalar.
        """
        return group.size * tf.reduce_sum(open_gates)

    @abc.abstractmethod
    def deterministic_gate(self, logits: tf.Tensor) -> tf.Tensor:
        """Gates used in inference; same shape as `logits`, exactly 0 = closed.

        It draws nothing.
        """

    @property
    def scheduled(self) -> dict[str, schedules.Schedule]:
        """The arguments that are schedules, by name."""
        return {
            name: value
            for name, value in vars(self).items()
            if isinstance(value, schedules.Schedule)
        }

    def at(self, values: dict[str, tf.Tensor]) -> "Gate":
        """A copy of the family in which `values` replace its schedules."""
        present = copy.copy(self)
        vars(present).update(values)
        return present

    @abc.abstractmethod
    def get_config(self) -> dict:
        """Constructor arguments, as in Keras."""

    @classmethod
    def from_config(cls, config: dict) -> "Gate":
        """Builds the family from `get_config()`'s result, as in Keras."""
        return cls(**schedules.deserialized(config))
