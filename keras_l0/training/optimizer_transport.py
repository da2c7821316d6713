"""Takes the state of an optimizer along when variables become smaller."""

from collections.abc import Callable

import keras
import numpy as np

from keras_l0.internal import keras_internals

# Takes an array of the shape of an old variable, returns the part of it that
# the new one holds.
Carry = Callable[[np.ndarray], np.ndarray]


class OptimizerTransport:
    """The state of a built optimizer, to go on with for smaller variables.

    Slots (moments, averages, accumulated gradients) are cut like the variable
    that they belong to; steps, rates and the scale of the loss stay.

    Args:
        optimizer: The optimizer; it, and those inside of it, are changed by
            `finish`.

    Raises:
        ValueError: if an optimizer keeps arrays that are not of the shape of
            its variables, as Adafactor does.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer):
        self._optimizer = optimizer
        self._inner = [
            OptimizerTransport(inner)
            for inner in keras_internals.inner_optimizers(optimizer)
        ]
        if not optimizer.built:
            return
        self.variables = keras_internals.optimized_variables(optimizer)
        self._slots = keras_internals.optimizer_slots(optimizer)
        self._singles = _singles(optimizer)
        self._check_shapes()

    def _check_shapes(self):
        shapes = {id(v): tuple(v.shape) for v in self.variables}
        for name, slots in self._slots.items():
            for key, slot in slots.items():
                if tuple(slot.shape) != shapes[key]:
                    raise ValueError(
                        f"{type(self._optimizer).__name__} keeps arrays "
                        f"(`{name}`) of other shapes than its variables have, "
                        "which cannot be cut with them."
                    )

    def finish(
        self,
        moved: dict[int, tuple[keras.Variable, Carry]],
        order: list[keras.Variable],
    ) -> None:
        """Builds the optimizer for the new variables, and fills the slots.

        Args:
            moved: Id of an old variable -> the new one, and what of the old
                one's state it takes.
            order: The new variables in the order of the model.
        """
        if not self._optimizer.built:
            return
        new = {id(moved[id(v)][0]) for v in self.variables if id(v) in moved}
        keras_internals.forget_variables(self._optimizer)
        self._optimizer.build([v for v in order if id(v) in new])
        self.fill(moved)

    def fill(self, moved: dict[int, tuple[keras.Variable, Carry]]) -> None:
        """Fills the slots of an optimizer that is built for new variables.

        Args:
            moved: As in `finish`.
        """
        for inner in self._inner:
            inner.fill(moved)
        if not self._optimizer.built:
            return
        for name, variable in _singles(self._optimizer).items():
            old = self._singles.get(name)
            if old is not None and old is not variable:
                variable.assign(old.value)
        slots = keras_internals.optimizer_slots(self._optimizer)
        for name, olds in self._slots.items():
            for key, old in olds.items():
                if key in moved:
                    variable, carry = moved[key]
                    slots[name][id(variable)].assign(carry(old.numpy()))


def _singles(optimizer):
    """Variables that belong to no variable of the model, by attribute."""
    return {
        name: value
        for name, value in vars(optimizer).items()
        if isinstance(value, keras.Variable)
    }
