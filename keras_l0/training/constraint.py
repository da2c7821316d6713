"""What a budget does in one training step."""

import keras
import tensorflow as tf

from keras_l0.budget.control import BudgetControl
from keras_l0.internal import keras_internals


class Constraint:
    """The constraint of a budget at the present logits.

    It is made under the tape that watches the step, which has to be
    persistent: the constraint's gradient is taken by itself, as its scale
    follows the loss's.

    Args:
        control: The budget's multipliers.
    """

    def __init__(self, control: BudgetControl):
        self._control = control
        self._fractions = control.expected_fractions()
        self._cost, self._strength = control.constraint(self._fractions)

    def pull(
        self,
        tape: tf.GradientTape,
        gradients: list[tf.Tensor | None],
        variables: list[keras.Variable],
    ) -> list[tf.Tensor | None]:
        """Adds the constraint's gradient to that of the gates' variables.

        Args:
            tape: The tape of the step.
            gradients: The loss's gradients.
            variables: The variables, in the same order.
        """
        places = [
            place
            for place, (variable, gradient) in enumerate(
                zip(variables, gradients, strict=True)
            )
            if keras_internals.is_marked(variable) and gradient is not None
        ]
        of_cost = tape.gradient(
            self._cost,
            [variables[place].value for place in places],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        of_loss = [gradients[place] for place in places]
        pulled = self._control.combine(of_loss, of_cost, self._strength)
        self._control.step(self._fractions)
        result = list(gradients)
        for place, gradient in zip(places, pulled, strict=True):
            result[place] = gradient
        return result
