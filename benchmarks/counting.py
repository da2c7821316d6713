"""Kept units and kept weights, counted as the papers count them.

A unit is kept if its deterministic gate is above 0. Biases are not counted,
and an input of a dense layer counts by itself even if its producer is gone.
"""

from collections.abc import Sequence

import keras
import numpy as np

import keras_l0

FULL = {"lenet_300_100": 266_200, "lenet5": 430_500}


def kept_units(model: keras.Model) -> list[int]:
    """Units (or weights) that inference keeps, for each gated layer."""
    return [int(np.sum(gates > 0)) for gates in deterministic_gates(model)]


def expected_units(model: keras.Model) -> list[float]:
    """Expected number of open gates while training, for each gated layer."""
    return [
        float(np.sum(layer.gate_vector.prob_nonzero()))
        for layer in keras_l0.layers.gate_layers(model)
    ]


def deterministic_gates(model: keras.Model) -> list[np.ndarray]:
    """Gates used in inference, for each gated layer."""
    return [
        np.asarray(layer.gate_vector.deterministic_gate())
        for layer in keras_l0.layers.gate_layers(model)
    ]


def gates_weights(model: keras.Model) -> bool:
    """Whether every single weight has a gate."""
    return all(
        layer.on == "weights" for layer in keras_l0.layers.gate_layers(model)
    )


def model_percent_left(network: str, model: keras.Model) -> float:
    """Kept weights of a model in percent of the dense network."""
    return _percent(network, model, kept_units(model))


def expected_percent_left(network: str, model: keras.Model) -> float:
    """The same with the expected number of open gates while training."""
    return _percent(network, model, expected_units(model))


def _percent(network, model, units):
    if gates_weights(model):
        return 100 * sum(units) / FULL[network]
    return percent_left(network, units)


def percent_left(network: str, units: Sequence[float]) -> float:
    """Kept weights in percent of the dense network.

    Args:
        network: `"lenet_300_100"` or `"lenet5"`.
        units: Kept inputs of the three layers; or kept maps, kept maps, kept
            inputs and kept inputs of the four layers.

    Example:

    >>> from benchmarks import counting
    >>> round(counting.percent_left("lenet5", (9, 18, 65, 25)), 2)
    1.43
    """
    if network == "lenet5":
        a, b, c, d = units
        kept = 25 * a + 25 * a * b + c * d + 10 * d
    else:
        a, b, c = units
        kept = a * b + b * c + 10 * c
    return 100 * kept / FULL[network]
