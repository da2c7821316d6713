"""Which rule counts the multiplications and weights of which layer class."""

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping

import keras

# (layer, input shape, output shape) -> multiply-accumulates of one example, or
# None if they cannot be told. Shapes include the batch axis. Multiplications
# that shrink with the layer's channels are a dict: axes (as `WeightAxes` names
# them) -> their number.
CostRule = Callable[
    [keras.layers.Layer, tuple, tuple], int | dict[str, int | None] | None
]
# Name of a weight -> the axes with which it shrinks, one letter each:
# "i" and "v" stand for the channels of the first and of the second input, "o"
# for those of the output, "h" for attention heads. A letter stands twice
# if two axes of the weight shrink ("oo").
WeightAxes = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class _Entry:
    rule: CostRule
    weights: WeightAxes | Callable[[keras.layers.Layer], WeightAxes]


_ENTRIES: dict[type, _Entry] = {}


def register_cost_rule(
    *layer_classes: type,
    weights: WeightAxes | Callable[[keras.layers.Layer], WeightAxes] | None = (
        None
    ),
    override: bool = False,
) -> Callable[[CostRule], CostRule]:
    """Decorator that teaches a layer class and its subclasses' cost.

    Args:
        *layer_classes: Subclasses of `keras.layers.Layer`.
        weights: Name of a weight -> the axes with which it shrinks, as a
            string of `"i"` and `"v"` (channels of the first and second
            input), `"o"` (of the output) and `"h"` (attention heads); `"*"`
            stands for all other weights. Or a function of the layer that
            returns it. What is not named does not shrink. None names none.
            Defaults to None.
        override: Boolean. Whether to replace a rule that is there. Defaults
            to `False`.

    Returns:
        decorator: Registers the rule `(layer, input_shape, output_shape) ->
            macs` and returns it unchanged. The shapes are those of the first
            input and output, batch axis included; the rule returns the
            multiply-accumulates of one example, as a dict by the axes with
            which they shrink (`{"io": 800}`) or as an integer if they do not;
            None if it cannot tell.

    Raises:
        TypeError: if something other than a layer class is given.
        ValueError: if a class has a rule already.

    Example:

    >>> class Mix(keras.layers.Dense):
    ...     pass
    >>> @keras_l0.cost.register_cost_rule(Mix, weights={"kernel": "io"})
    ... def mix(layer, input_shape, output_shape):
    ...     return {"io": input_shape[-1] * output_shape[-1]}
    """
    for layer_class in layer_classes:
        _check(layer_class, override)

    def register(rule: CostRule) -> CostRule:
        for layer_class in layer_classes:
            _ENTRIES[layer_class] = _Entry(rule, weights or {})
        return rule

    return register


def cost_rule(layer: keras.layers.Layer) -> CostRule | None:
    """The rule of the nearest class that `layer` inherits from."""
    entry = _entry(layer)
    return entry and entry.rule


def layer_macs(
    layer: keras.layers.Layer, input_shape: tuple, output_shape: tuple
) -> dict[str, int] | None:
    """Multiply-accumulates of a layer by the axes with which they shrink.

    None if there is no rule, or if it cannot tell.
    """
    rule = cost_rule(layer)
    macs = rule and rule(layer, input_shape, output_shape)
    if macs is None:
        return None
    macs = macs if isinstance(macs, dict) else {"": macs}
    return None if None in macs.values() else macs


def weight_axes(layer: keras.layers.Layer) -> WeightAxes:
    """Name of each weight of a built layer -> the axes it shrinks with."""
    entry = _entry(layer)
    if entry is None:
        return {}
    weights = entry.weights
    return weights(layer) if callable(weights) else weights


def _entry(layer):
    for layer_class in type(layer).__mro__:
        if layer_class in _ENTRIES:
            return _ENTRIES[layer_class]
    return None


def _check(layer_class, override):
    if not isinstance(layer_class, type) or not issubclass(
        layer_class, keras.layers.Layer
    ):
        raise TypeError(
            "A cost rule must be registered for a `keras.layers.Layer` class. "
            f"Received: {layer_class!r}"
        )
    if layer_class in _ENTRIES and not override:
        raise ValueError(
            f"A cost rule for {layer_class.__name__} is already registered "
            f"({_ENTRIES[layer_class].rule.__name__}). Pass `override=True` to "
            "replace it."
        )
