"""A narrower copy of a gated network, without its closed hidden units.

`keras_l0.strip_gates` returns a network without gates. The recipe wants to go
on training the gates that are still open, at the cost of the smaller network:
this copy keeps them, with their logits. Closed units cannot come back.
"""

from collections.abc import Callable

import keras
import numpy as np

import keras_l0
from benchmarks import counting
from benchmarks.narrow_chain import narrow_chain
from benchmarks.narrow_weights import narrow_weights
from benchmarks.networks import PIXELS_PER_MAP

_ALL = slice(None)


def narrow(
    model: keras.Model, build: Callable[[tuple[int, ...]], keras.Model]
) -> keras.Model:
    """Copies `model` without the hidden units whose gates are closed.

    Args:
        model: A network of `benchmarks.networks`, gated as published or in
            every weight.
        build: Function of the widths that builds such a network.

    Returns:
        copy: New model; in inference it computes what `model` computes.

    Raises:
        RuntimeError: if a layer has no open gate.
    """
    if counting.gates_weights(model):
        return narrow_weights(model, build)
    gates = counting.deterministic_gates(model)
    kept = [np.flatnonzero(z) for z in gates]
    if not all(len(units) for units in kept):
        raise RuntimeError(
            "All gates of a layer are closed; lower its price. Open gates of "
            f"each layer: {[len(units) for units in kept]}"
        )
    widths, slices = (_lenet5 if len(kept) == 4 else _lenet_300_100)(
        gates, kept
    )
    copy = build(widths)
    old, new = map(keras_l0.layers.gate_layers, (model, copy))
    for source, target, parts in zip(old, new, slices, strict=True):
        _copy(source, target, *parts)
    if getattr(copy, "gate_chain", None) is not None:
        stay = [
            np.arange(len(z))[part[-1]]
            for z, part in zip(gates, slices, strict=True)
        ]
        narrow_chain(model, copy, stay)
    return copy


def _copy(source, target, inputs, outputs, gates):
    kernel, bias = source.layer.get_weights()
    kernel = kernel[..., inputs, :][..., outputs]
    target.layer.set_weights([kernel, bias[outputs]])
    logits = source.gate_vector.logits.numpy()[gates]
    target.gate_vector.logits.assign(logits)


def _lenet_300_100(gates, kept):
    """Widths, and (inputs, outputs, gates) of each layer. Pixels all stay."""
    _, hidden1, hidden2 = kept
    return (len(hidden1), len(hidden2)), [
        (_ALL, hidden1, _ALL),
        (hidden1, hidden2, hidden1),
        (hidden2, _ALL, hidden2),
    ]


def _lenet5(gates, kept):
    """A feature goes with its map; `features` lists those of the maps kept."""
    maps1, maps2, _, hidden = kept
    pixels = np.arange(PIXELS_PER_MAP)[:, np.newaxis]
    features = (pixels * len(gates[1]) + maps2).ravel()
    return (len(maps1), len(maps2), len(hidden)), [
        (_ALL, maps1, maps1),
        (maps1, maps2, maps2),
        (features, hidden, features),
        (hidden, _ALL, hidden),
    ]
