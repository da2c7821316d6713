"""Finds the strip rule of an operation."""

from collections.abc import Callable

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.rule import StripRule

_RULES: dict[type, StripRule] = {}


def register_strip_rule(
    operation_class: type, override: bool = False
) -> Callable[[type], type]:
    """Class decorator: teaches `strip_gates` a class of operations.

    The rule also holds for subclasses that override nothing but how they are
    made and saved; of several rules the one of the nearest class in the MRO
    wins. The smaller model has a layer of that class in place of a subclass.

    Args:
        operation_class: A `keras.layers.Layer` or `keras.Operation` class.
        override: Whether to replace a rule that is there already.

    Returns:
        decorator: Takes a `StripRule` class and returns it.

    Raises:
        ValueError: if the class has a rule and `override` is false.
        TypeError: if `operation_class` is not a class, or what is decorated
            not a `StripRule` class.

    Example:

    >>> class Twice(keras.layers.Layer):
    ...     def call(self, x):
    ...         return 2 * x
    >>> @keras_l0.surgery.register_strip_rule(Twice)
    ... class TwiceRule(keras_l0.surgery.StripRule):
    ...     def forward(self, call, inputs):
    ...         x = inputs[0]
    ...         return [keras_l0.surgery.Channels(x.axis, x.known, 2 * x.value)]
    ...     def commutes_with_scale(self, call):
    ...         return True
    """
    if not isinstance(operation_class, type):
        raise TypeError(
            "`operation_class` must be a class. "
            f"Received: operation_class={operation_class!r}"
        )
    if operation_class in _RULES and not override:
        known = type(_RULES[operation_class]).__name__
        raise ValueError(
            f"A strip rule for {operation_class.__name__} is already "
            f"registered ({known}). Pass `override=True` to replace it."
        )

    def register(rule_class):
        if not isinstance(rule_class, type) or not issubclass(
            rule_class, StripRule
        ):
            raise TypeError(
                "A strip rule must be a subclass of `StripRule`. "
                f"Received: {rule_class!r}"
            )
        _RULES[operation_class] = rule_class()
        return rule_class

    return register


def find_rule(operation: object) -> StripRule | Barrier:
    """The rule of the nearest class in the MRO, or why there is none."""
    known = known_class(operation)
    if known is None:
        return Barrier.NO_RULE
    if _overrides(type(operation), known):
        return Barrier.OVERRIDDEN_CALL
    return _RULES[known]


def known_class(operation: object) -> type | None:
    """The nearest class in the MRO that has a rule."""
    return next((c for c in type(operation).__mro__ if c in _RULES), None)


# How an object is made and saved says nothing of what it computes.
_HARMLESS = {"build", "from_config", "get_build_config", "get_config"}


def _overrides(cls, known):
    """Whether a subclass may compute something else than the known class."""
    mro = cls.__mro__
    own = {name for c in mro[: mro.index(known)] for name in vars(c)}
    return any(
        hasattr(known, name)
        and name not in _HARMLESS
        and (not name.startswith("__") or name == "__call__")
        for name in own
    )
