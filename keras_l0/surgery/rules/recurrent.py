"""Recurrent layers: a unit is gone if neither outputs nor state need it."""

import numpy as np
from keras import layers

from keras_l0.surgery import activations
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection

WEIGHTS = {"kernel", "recurrent_kernel", "bias"}


def barrier_of(call: Call) -> Barrier | None:
    """Why a recurrent layer cannot be followed."""
    layer = call.layer
    if layer.stateful:
        return Barrier.STATEFUL
    if len(call.input_shapes) != 1:
        return Barrier.EXTRA_INPUTS
    if set(call.weights) - WEIGHTS:
        return Barrier.EXTRA_WEIGHTS
    functions = [layer.activation]
    functions += [getattr(layer, "recurrent_activation", layer.activation)]
    if not all(map(activations.is_elementwise, functions)):
        return Barrier.COUPLED_CHANNELS
    return None


def needed_units(call: Call, kept: np.ndarray) -> np.ndarray:
    """The units `kept`, and those whose state they depend on, step by step.

    Args:
        kept: Boolean `[units]`.
    """
    recurrent = call.weights["recurrent_kernel"]
    # Boolean [from, to]: which unit reads whose state, in whatever gate.
    reads = (_blocks(recurrent, kept.size) != 0).any(axis=1)
    needed, found = kept, kept | reads[:, kept].any(axis=1)
    while (found != needed).any():
        needed, found = found, found | reads[:, found].any(axis=1)
    return found


def needed_inputs(call: Call, x: Channels, units: np.ndarray) -> np.ndarray:
    """Input channels that the units compute with; constants are folded."""
    kernel = _blocks(call.weights["kernel"], units.size)[..., units]
    needed = (kernel != 0).any(axis=(1, 2)) & ~x.known
    if not needed.any():
        needed[0] = True  # a layer has at least one input channel
    return needed


def narrow_weights(
    call: Call, x: Selection, rows: np.ndarray, units: np.ndarray
) -> dict[str, np.ndarray]:
    """Weights of the layer with some inputs and units only.

    Args:
        rows: Numbers of the input channels.
        units: Boolean `[units]`.
    """
    weights = call.weights
    there = np.where(x.position >= 0, x.scale, 1.0)
    # Constants are in the bias; a constant that is there counts no more.
    scale = np.where(x.channels.known, 0.0, there)[rows]
    kernel = weights["kernel"][rows] * scale[:, None]
    recurrent = weights["recurrent_kernel"][units]
    narrow = {
        "kernel": _take_units(kernel, units),
        "recurrent_kernel": _take_units(recurrent, units),
    }
    value = np.where(x.channels.known, x.channels.value, 0)
    part = value @ weights["kernel"].astype("float64")
    if "bias" in weights or part.any():
        bias = _bias(call).copy()
        # With `reset_after`, row 0 is the bias of the inputs.
        bias[(0,) * (bias.ndim - 1)] += part
        narrow["bias"] = _take_units(bias, units)
    return narrow


def widened(
    call: Call, weights: dict[str, np.ndarray], size: int, use_bias: bool
) -> dict[str, np.ndarray]:
    """The weights with units of zeros behind the others, `size` in all."""
    units = weights["recurrent_kernel"].shape[0]
    if use_bias and "bias" not in weights:
        keep = np.arange(call.layer.units) < units
        none = np.zeros_like(_bias(call))
        weights = {**weights, "bias": _take_units(none, keep)}
    wide = {}
    for name, array in weights.items():
        blocks = call.weights["kernel"].shape[-1] // call.layer.units
        parts = array.reshape(*array.shape[:-1], blocks, units)
        padding = [(0, 0)] * (parts.ndim - 1) + [(0, size - units)]
        if name == "recurrent_kernel":
            padding[0] = (0, size - units)
        parts = np.pad(parts, padding)
        wide[name] = parts.reshape(*parts.shape[:-2], blocks * size)
    return wide


def _bias(call):
    if "bias" in call.weights:
        return call.weights["bias"].astype("float64")
    width = call.weights["kernel"].shape[-1]
    rows = (2,) if getattr(call.layer, "reset_after", False) else ()
    return np.zeros((*rows, width))


def _blocks(array, units):
    """The last axis as `[blocks, units]`."""
    blocks = array.shape[-1] // units
    return array.reshape(*array.shape[:-1], blocks, units)


def _take_units(array, units):
    """Some units of every block of the last axis."""
    blocks = _blocks(array, units.size)[..., units]
    return blocks.reshape(*array.shape[:-1], np.prod(blocks.shape[-2:]))


@register_strip_rule(layers.SimpleRNN)
@register_strip_rule(layers.GRU)
@register_strip_rule(layers.LSTM)
class RecurrentRule(StripRule):
    """Removes a unit from all gates, rows and columns.

    Nothing is known of a unit's output in advance: it changes from step to
    step. A gate behind the layer, and rows of zeros in the recurrent kernel,
    make a unit one that nobody needs.
    """

    def barrier(self, call):
        return barrier_of(call)

    def input_axes(self, call, axes):
        return [2]

    def output_axes(self, call, axes):
        return [len(shape) - 1 for shape in call.output_shapes]

    def forward(self, call, inputs):
        return [
            Channels.live(len(shape) - 1, call.layer.units)
            for shape in call.output_shapes
        ]

    def backward(self, call, inputs, kept):
        units = needed_units(call, np.any(kept, axis=0))
        return [needed_inputs(call, inputs[0], units)]

    def plan(self, call, inputs, outputs, kept):
        x, units = inputs[0], needed_units(call, np.any(kept, axis=0))
        rows = input_rows(call, x, units)
        weights = narrow_weights(call, x, rows, units)
        return Step(
            {0: x.adapt(rows, absorbed=True)},
            [Selection.of(channels, units) for channels in outputs],
            {
                "units": int(np.count_nonzero(units)),
                "use_bias": "bias" in weights,
            },
            weights,
            folded=int(np.count_nonzero(x.channels.nonzero)),
        )


def input_rows(call: Call, x: Selection, units: np.ndarray) -> np.ndarray:
    """Numbers of the input channels to compute with, at least one."""
    needed = needed_inputs(call, x.channels, units) & ~x.channels.known
    if not needed.any():
        # Any channel that is there carries the steps, under zeros.
        return np.flatnonzero(x.position >= 0)[:1]
    return np.flatnonzero(needed)
