"""Builds the network of a recipe."""

import keras
import numpy as np

import keras_l0
from benchmarks import networks
from benchmarks.counting import deterministic_gates
from benchmarks.narrow import narrow
from benchmarks.recipe import Recipe

_BUILDERS = {
    "lenet_300_100": networks.lenet_300_100,
    "lenet5": networks.lenet5,
}


def build(
    network: str, recipe: Recipe, num_examples: int, **kwargs
) -> keras.Model:
    """A network with new weights.

    Args:
        network: `"lenet_300_100"` or `"lenet5"`.
        recipe: Its gates.
        num_examples: Number of training examples.
        **kwargs: `widths`, if they are not the published ones.

    Returns:
        model: A Keras model; an `L0Model` if the recipe names a family.
    """
    if recipe.on is not None:
        kwargs["on"] = recipe.on
    if recipe.family is not None:
        family = type(keras_l0.gates.get(recipe.family))
        kwargs["gate"] = family(**recipe.options)
    return _BUILDERS[network](
        l0=[price / num_examples for price in recipe.l0],
        drop_rate=recipe.drop_rate,
        per_example=recipe.per_example,
        clamp=recipe.clamp,
        l2=recipe.l2,
        **kwargs,
    )


def build_small(
    network: str, recipe: Recipe, num_examples: int, masks: list[str]
) -> keras.Model:
    """The network that a trained one was, with new weights.

    Args:
        network: `"lenet_300_100"` or `"lenet5"`.
        recipe: Its gates, of a family that is open above 0 and closed below.
        num_examples: Number of training examples.
        masks: `masks` of the trained model.

    Returns:
        model: A Keras model without closed units.
    """

    def built(widths):
        return build(network, recipe, num_examples, widths=widths)

    kept = [np.array([*mask]) == "1" for mask in masks]
    first = 1 if network == "lenet_300_100" else 0
    widths = [len(mask) for mask in kept[first:]]
    if network == "lenet5":
        del widths[2]  # the inputs of a layer have the width of another one
    model = built(widths)
    layers = keras_l0.layers.gate_layers(model)
    for layer, mask in zip(layers, kept, strict=True):
        layer.gate_vector.logits.assign(np.where(mask, 1.0, -1.0))
    return narrow(model, built)


def masks(model: keras.Model) -> list[str]:
    """Gates of each layer in inference: 1 for an open one, 0 for a closed."""
    return [
        "".join("1" if gate > 0 else "0" for gate in gates)
        for gates in deterministic_gates(model)
    ]
