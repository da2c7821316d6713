"""Magnitude pruning of units: those with the smallest weights are removed."""

import keras
import numpy as np

import keras_l0

_HALVINGS = 20


def prune_units(dense: keras.Model, macs: float) -> keras.Model:
    """A smaller network, of the units with the largest weights.

    What counts is the norm of a unit's weights, over the mean of its layer.

    Args:
        dense: A network of dense layers and convolutions.
        macs: Fraction of its multiply-accumulates, the most that stays.

    Returns:
        small: A network with the weights that stayed, not compiled.

    Raises:
        ValueError: if one unit in each layer is more than that.
    """
    gated = keras_l0.add_gates(dense, streams=True)
    sizes = relative_norms(gated)
    limit = macs * keras_l0.cost.count(dense).macs
    low, high = 0.0, max(values.max() for values in sizes.values())
    small = _strip(gated, sizes, high)
    if keras_l0.cost.count(small).macs > limit:
        raise ValueError(
            f"One unit in each layer is more than that. Received: macs={macs}"
        )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        tried = _strip(gated, sizes, middle)
        if keras_l0.cost.count(tried).macs > limit:
            low = middle
        else:
            high, small = middle, tried
    return small


def _strip(gated, sizes, threshold):
    """The units of at least this size, and the largest of each vector."""
    for name, vector in keras_l0.layers.gate_vectors(gated).items():
        kept = sizes[name] >= min(threshold, sizes[name].max())
        vector.logits.assign(np.where(kept, 9.0, -9.0))
    return keras_l0.strip_gates(gated)


def relative_norms(gated: keras.Model) -> dict[str, np.ndarray]:
    """Name of each gate vector -> norm of each unit's weights, over their mean.

    Args:
        gated: A chain of dense layers and convolutions, gated by `add_gates`.
    """
    vectors = keras_l0.layers.gate_vectors(gated)
    names = {id(vector): name for name, vector in vectors.items()}
    squares = {name: 0.0 for name in vectors}
    kernel = None
    for layer in gated.layers:
        is_gated = isinstance(layer, keras_l0.L0Gate)
        inner = layer.layer if is_gated else layer
        if isinstance(inner, keras.layers.Dense | keras.layers.Conv2D):
            kernel = np.asarray(inner.kernel)
        if is_gated:
            units = np.square(kernel).reshape(-1, kernel.shape[-1]).sum(0)
            name = names[id(layer.gate_vector)]
            squares[name] = squares[name] + units
    norms = {name: np.sqrt(values) for name, values in squares.items()}
    return {name: values / values.mean() for name, values in norms.items()}
