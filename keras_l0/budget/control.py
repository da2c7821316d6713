"""Binds the expected cost of a model to a target that falls to a budget."""

import keras
import tensorflow as tf

from keras_l0.budget.budget import Budget
from keras_l0.budget.choice import check_reachable
from keras_l0.budget.cost_model import CostModel
from keras_l0.internal.api_export import keras_l0_export

# Answer of the multiplier to a cost that is above the target by all of the
# dense network: at once, and more with each step. At a multiplier of 1 the
# constraint pulls as hard as the data.
_PROPORTIONAL = 50.0
_INTEGRAL = 0.5
_LARGEST = 100.0
# The part of the second phase after which the target is the budget.
_RAMP = 0.8
_DECAY = 0.95


@keras_l0_export
class BudgetControl(keras.layers.Layer):
    """The multipliers of a budget, and what they do to the gradients.

    Holds the state, so that it is saved with the model. The constraint is
    scaled such that its gradient by the logits is, at a multiplier of 1, as
    large as the loss's (root mean squares, averaged over steps): budgets need
    no other numbers for another loss or size of network.

    Args:
        budget: A `Budget`.
        cost_model: The `CostModel` of the model.
        **kwargs: As in `keras.layers.Layer`.

    Raises:
        ValueError: if the budget does not fit the network, or gates depend on
            each other.
    """

    def __init__(self, budget: Budget, cost_model: CostModel, **kwargs):
        super().__init__(trainable=False, **kwargs)
        _check_independent(cost_model)
        self.budget = budget
        self.fractions = check_reachable(budget, cost_model)
        self.build(cost_model)

    def build(self, cost_model):
        """Creates the state."""
        # Not a layer: nothing for Keras to track or save.
        self._cost_model = cost_model
        count = (len(self.fractions),)
        self.integrals = self._state("integrals", count)
        self.progress = self._state("progress")
        self.progress_per_step = self._state("progress_per_step")
        # Mean squares of the gradients: the loss's, the cost's.
        self.squares = self._state("squares", (2,))
        self.built = True

    def _state(self, name, shape=()):
        return self.add_weight(
            name=name,
            shape=shape,
            dtype="float32",
            autocast=False,
            trainable=False,
            initializer="zeros",
            aggregation="only_first_replica",
        )

    @property
    def cost_model(self) -> CostModel:
        """The cost as a function of the gates."""
        return self._cost_model

    @property
    def active(self) -> bool:
        """Whether the gates train."""
        return any(vector.trainable for vector in self._cost_model.vectors)

    def targets(self) -> tf.Tensor:
        """Present targets, as fractions of the dense network, `[limits]`."""
        budget = self.budget
        length = _RAMP * (1 - budget.fine_tune - budget.start)
        done = (self.progress - budget.start) / length
        done = tf.clip_by_value(done, 0.0, 1.0)
        limits = tf.constant(list(self.fractions.values()), tf.float32)
        return 1 - (1 - limits) * done

    def expected_fractions(self) -> tf.Tensor:
        """Expected cost as fractions of the dense network, `[limits]`."""
        cost = self._cost_model(self._cost_model.expected_gates())
        dense = self._cost_model.dense
        return tf.stack(
            [
                getattr(cost, kind) / getattr(dense, kind)
                for kind in self.fractions
            ]
        )

    def constraint(self, fractions: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What pushes the cost down at an expected cost of `fractions`.

        Args:
            fractions: As `expected_fractions` returns them.

        Returns:
            cost: Scalar, mean of the fractions above their targets, weighted
                by their multipliers.
            strength: Scalar, sum of the multipliers; 0 if the cost is within
                all targets.
        """
        excess = tf.stop_gradient(fractions) - self.targets()
        values = self.integrals + _PROPORTIONAL * excess
        values = tf.where(excess > 0, tf.minimum(values, _LARGEST), 0.0)
        strength = tf.reduce_sum(values)
        weights = tf.math.divide_no_nan(values, strength)
        return tf.reduce_sum(weights * fractions), strength

    def step(self, fractions: tf.Tensor) -> None:
        """Goes on by one step of training."""
        excess = fractions - self.targets()
        grown = tf.minimum(self.integrals + _INTEGRAL * excess, _LARGEST)
        self.integrals.assign(tf.where(excess > 0, grown, 0.0))
        self.progress.assign_add(self.progress_per_step)

    def combine(
        self,
        of_loss: list[tf.Tensor],
        of_cost: list[tf.Tensor],
        strength: tf.Tensor,
    ) -> list[tf.Tensor]:
        """Gradients of the loss and of the constraint, added up.

        Args:
            of_loss: The loss's gradients by the logits.
            of_cost: Those of the constraint's cost.
            strength: The constraint's strength.
        """
        squares = tf.stack([_mean_square(of_loss), _mean_square(of_cost)])
        mean = _DECAY * self.squares + (1 - _DECAY) * squares
        mean = tf.where(self.squares > 0, mean, squares)
        usable = tf.math.is_finite(squares) & (squares > 0)
        mean = tf.where(usable, mean, self.squares)
        self.squares.assign(mean)
        # Gates of which the loss says nothing yet are pulled all the same.
        known = tf.reduce_all(mean > 0)
        ratio = tf.where(known, tf.math.divide_no_nan(mean[0], mean[1]), 1.0)
        scale = strength * tf.sqrt(ratio)
        return [a + scale * b for a, b in zip(of_loss, of_cost, strict=True)]


def _check_independent(cost_model):
    for vector in cost_model.vectors:
        if vector.gate.chained:
            raise ValueError(
                "A budget is met by choosing gates one by one, and those of "
                f"{type(vector.gate).__name__} depend on each other: train "
                "them with `l0`, or take another family. Received: gate vector "
                f"'{vector.name}'"
            )


def _mean_square(gradients):
    total = tf.add_n([tf.reduce_sum(tf.square(g)) for g in gradients])
    return total / sum(g.shape.num_elements() for g in gradients)
