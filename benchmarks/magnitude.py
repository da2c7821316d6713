"""Magnitude pruning: of all weights of a network the largest stay."""

import keras
import numpy as np

import keras_l0
from benchmarks import counting


def prune(model: keras.Model, network: str, percent: float) -> None:
    """Closes the gates of all weights but the largest, of all layers together.

    Args:
        model: A network of `benchmarks.networks` with a straight-through gate
            for every weight. A closed one stays closed.
        network: `"lenet_300_100"` or `"lenet5"`.
        percent: Percent of the weights of the dense network that stay.

    Raises:
        ValueError: if fewer weights than that are left.
    """
    layers = keras_l0.layers.gate_layers(model)
    sizes = [
        np.abs(np.ravel(layer.layer.kernel)) * (gates > 0)
        for layer, gates in zip(
            layers, counting.deterministic_gates(model), strict=True
        )
    ]
    every = np.sort(np.concatenate(sizes))[::-1]
    count = round(percent / 100 * counting.FULL[network])
    if count > np.count_nonzero(every):
        raise ValueError(
            "More weights are to stay than are left, "
            f"{np.count_nonzero(every)}. Received: percent={percent}"
        )
    for layer, size in zip(layers, sizes, strict=True):
        kept = size >= every[count - 1]
        layer.gate_vector.logits.assign(np.where(kept, 1.0, -1.0))
