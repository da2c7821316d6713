"""A narrower copy of a network whose single weights have gates.

A unit none of whose weights to the next layer is open is left out: nothing
reads it. Its own weights, open or not, go with it.
"""

from collections.abc import Callable

import keras
import numpy as np

import keras_l0
from benchmarks import counting
from benchmarks.networks import PIXELS_PER_MAP


def narrow_weights(
    model: keras.Model, build: Callable[[tuple[int, ...]], keras.Model]
) -> keras.Model:
    """Copies `model` without the hidden units that nothing reads.

    Args:
        model: A network of `benchmarks.networks` with gated weights.
        build: Function of the widths that builds such a network.

    Returns:
        copy: New model; in inference it computes what `model` computes.

    Raises:
        RuntimeError: if nothing of a layer is read.
    """
    old = keras_l0.layers.gate_layers(model)
    is_open = [
        np.reshape(gates > 0, layer.layer.kernel.shape)
        for layer, gates in zip(
            old, counting.deterministic_gates(model), strict=True
        )
    ]
    inputs, outputs = _kept(is_open)
    widths = tuple(len(units) for units in outputs[:-1])
    if not all(widths):
        raise RuntimeError(
            "Nothing of a layer is read; keep more weights. Units of the "
            f"hidden layers that are read: {list(widths)}"
        )
    copy = build(widths)
    new = keras_l0.layers.gate_layers(copy)
    for source, target, rows, columns in zip(
        old, new, inputs, outputs, strict=True
    ):
        _copy(source, target, rows, columns)
    return copy


def _kept(is_open):
    """Indices of each layer's inputs and outputs that stay, from the end."""
    inputs, outputs = [], [np.arange(is_open[-1].shape[-1])]
    for number in reversed(range(1, len(is_open))):
        kernel = is_open[number][..., outputs[0]]
        read = kernel.any(axis=(*range(kernel.ndim - 2), -1))
        units = is_open[number - 1].shape[-1]
        maps = read.reshape(-1, units).any(axis=0)
        kept = np.flatnonzero(maps)
        inputs.insert(0, _features(kept, units, len(read)))
        outputs.insert(0, kept)
    inputs.insert(0, np.arange(is_open[0].shape[-2]))
    return inputs, outputs


def _features(kept, units, size):
    """Inputs that `kept` of the units make: a map makes one for each pixel."""
    if size == units:
        return kept
    pixels = np.arange(PIXELS_PER_MAP)[:, np.newaxis]
    return (pixels * units + kept).ravel()


def _copy(source, target, rows, columns):
    kernel, bias = source.layer.get_weights()
    shape = kernel.shape
    kernel = kernel[..., rows, :][..., columns]
    target.layer.set_weights([kernel, bias[columns]])
    logits = source.gate_vector.logits.numpy().reshape(shape)
    logits = logits[..., rows, :][..., columns]
    target.gate_vector.logits.assign(logits.ravel())
