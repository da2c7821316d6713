"""Which rule counts the multiplications of which layer class."""

from collections.abc import Callable

import keras

# (layer, input shape, output shape) -> multiply-accumulates of one example, or
# None if they cannot be told. Shapes include the batch axis.
CostRule = Callable[[keras.layers.Layer, tuple, tuple], int | None]

_RULES: dict[type, CostRule] = {}


def register_cost_rule(
    *layer_classes: type, override: bool = False
) -> Callable[[CostRule], CostRule]:
    """Decorator that teaches `count` a layer class and its subclasses.

    Args:
        *layer_classes: Subclasses of `keras.layers.Layer`.
        override: Boolean. Whether to replace a rule that is there. Defaults
            to `False`.

    Returns:
        decorator: Registers the rule `(layer, input_shape, output_shape) ->
            int` and returns it unchanged. The shapes are those of the first
            input and output, batch axis included; the rule returns the
            multiply-accumulates of one example, or None if it cannot tell.

    Raises:
        TypeError: if something other than a layer class is given.
        ValueError: if a class has a rule already.

    Example:

    >>> class Scale(keras.layers.Layer):
    ...     pass
    >>> @keras_l0.cost.register_cost_rule(Scale)
    ... def scale(layer, input_shape, output_shape):
    ...     return 0
    """
    for layer_class in layer_classes:
        _check(layer_class, override)

    def register(rule: CostRule) -> CostRule:
        for layer_class in layer_classes:
            _RULES[layer_class] = rule
        return rule

    return register


def cost_rule(layer: keras.layers.Layer) -> CostRule | None:
    """The rule of the nearest class that `layer` inherits from."""
    for layer_class in type(layer).__mro__:
        if layer_class in _RULES:
            return _RULES[layer_class]
    return None


def _check(layer_class, override):
    if not isinstance(layer_class, type) or not issubclass(
        layer_class, keras.layers.Layer
    ):
        raise TypeError(
            "A cost rule must be registered for a `keras.layers.Layer` class. "
            f"Received: {layer_class!r}"
        )
    if layer_class in _RULES and not override:
        raise ValueError(
            f"A cost rule for {layer_class.__name__} is already registered "
            f"({_RULES[layer_class].__name__}). Pass `override=True` to "
            "replace it."
        )
