"""Runs a stock layer with other values in place of its variables."""

from collections.abc import Iterable

import keras


class SubstitutionScope(keras.StatelessScope):
    """A `keras.StatelessScope` that substitutes some variables and no more.

    Inside the scope a layer computes with the substituted values. A plain
    scope would swallow everything else that the layer does there: moving
    statistics, seed states and losses. This one writes updates through, falls
    back to the enclosing scope for variables that it does not know (nested
    scopes do not inherit), and collects the losses for the caller.

    Args:
        substitutes: `(variable, value)` pairs.
    """

    def __init__(self, substitutes: Iterable[tuple]):
        pairs = list(substitutes)
        super().__init__(
            state_mapping=pairs, collect_losses=True, initialize_variables=False
        )
        self._substituted = {id(variable) for variable, _ in pairs}

    def add_update(self, update: tuple) -> None:
        """Assigns to the real variable, at once.

        Collecting updates for later would take tensors out of loop bodies.
        """
        variable, value = update
        if id(variable) in self._substituted:
            raise RuntimeError(
                f"Variable '{variable.path}' is gated and assigned in the "
                "same call. Gate the layer's outputs instead of its weights."
            )
        self.__exit__()
        try:
            variable.assign(value)
        finally:
            self.__enter__()

    def get_current_value(self, variable: keras.Variable):
        """Value of `variable` here, or in the enclosing scope."""
        value = super().get_current_value(variable)
        if value is None and self.original_scope is not None:
            return self.original_scope.get_current_value(variable)
        return value
