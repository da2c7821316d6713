"""Layers that normalize over an axis, which couples what lies along it.

Along the axes that a layer normalizes over, every output channel depends on
all input channels. Along any other axis each channel is alone.
"""

import dataclasses

import keras
import numpy as np
from keras import layers

from keras_l0.internal.keras_internals import operation_class
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection


class CoupledRule(StripRule):
    """Needs its input whole along the axes that it normalizes over."""

    def barrier(self, call):
        axes = call.layer.axis
        if isinstance(axes, list | tuple):
            rank = len(call.input_shapes[0])
            if [a % rank for a in sorted(axes)] != _axes(call):
                # Keras sorts -1 in front of 1, and its weights likewise.
                return Barrier.COUPLED_CHANNELS
        return super().barrier(call)

    def stops(self, call, axes):
        narrows = type(self).wanted is not CoupledRule.wanted
        if narrows or not is_coupled(call, axes[0]):
            return None
        return Barrier.COUPLED_CHANNELS

    def forward(self, call, inputs):
        x = inputs[0]
        if is_coupled(call, x.axis):
            return [self.whole(call, x)]
        value = self.alone(call, np.where(x.known, x.value, 0))
        known = x.known & ~np.isnan(value)
        return [Channels(x.axis, known, np.where(known, value, 0))]

    def whole(self, call: Call, x: Channels) -> Channels:
        """The output's channels where they are coupled."""
        return Channels.whole(call.output_shapes[0], x.axis)

    def alone(self, call: Call, value: np.ndarray) -> np.ndarray:
        """Output of channels of one value each, NaN where it is not known."""
        return np.where(value == 0, 0.0, np.nan)

    def wanted(self, call: Call, x: Channels, kept: np.ndarray) -> np.ndarray:
        """Coupled input channels to compute with."""
        return np.ones(x.size, bool)

    def backward(self, call, inputs, kept):
        x = inputs[0]
        if is_coupled(call, x.axis):
            return [self.wanted(call, x, kept[0])]
        return [kept[0]]

    def plan(self, call, inputs, outputs, kept):
        x = inputs[0]
        if not is_coupled(call, x.channels.axis):
            return super().plan(call, inputs, outputs, kept)
        wanted = self.wanted(call, x.channels, kept[0])
        return Step(
            {0: x.adapt(np.flatnonzero(wanted))},
            [Selection.of(outputs[0], wanted)],
        )


@register_strip_rule(layers.LayerNormalization)
class LayerNormalizationRule(CoupledRule):
    """`gamma * normalized + beta`: a gamma of 0 leaves beta."""

    def whole(self, call, x):
        if x.axis is None:
            return super().whole(call, x)
        size = x.size
        gamma = _by_channel(call, "gamma", 1.0, x.axis, size)
        beta = _by_channel(call, "beta", 0.0, x.axis, size)
        known = (gamma == 0).all(axis=0) & (beta == beta[:1]).all(axis=0)
        value = np.where(known, beta[0], 0)
        return Channels(x.axis, known, value, divisible=False)

    def alone(self, call, value):
        # Zeros have a mean of exactly 0; of other constants the difference to
        # their mean is 0 up to rounding, and then divided by a small epsilon.
        beta = call.weights.get("beta", np.zeros(1)).astype("float64")
        same = (value == 0) & (beta == beta.flat[0]).all()
        return np.where(same, beta.flat[0], np.nan)

    def scaled_weights(self, call, factors):
        return _scaled_weights(call, "gamma", ("gamma", "beta"), factors)


@register_strip_rule(layers.RMSNormalization)
class RMSNormalizationRule(CoupledRule):
    """`scale * x / sqrt(mean(x ** 2) + epsilon)`.

    Of n channels k are computed with; the others are constants c:
    `mean = k / n * mean_k + sum(c ** 2) / n`. Hence the same layer over k
    channels, with `scale * sqrt(n / k)` and
    `epsilon_k = n / k * (epsilon + sum(c ** 2) / n)`.
    """

    def barrier(self, call):
        axes, rank = _axes(call), len(call.input_shapes[0])
        if axes != list(range(rank - len(axes), rank)):
            return Barrier.COUPLED_CHANNELS  # Keras' scale is for other axes
        return super().barrier(call)

    def whole(self, call, x):
        scale = np.ones((1, x.size))
        if x.axis is not None:
            scale = _by_channel(call, "scale", 1.0, x.axis, x.size)
        known = (x.known & (x.value == 0)) | (scale == 0).all(axis=0)
        return Channels(x.axis, known, np.zeros(x.size))

    def alone(self, call, value):
        scale = call.weights["scale"].astype("float64")
        same = (value == 0) | (scale == scale.flat[0]).all()
        root = np.sqrt(value**2 + _epsilon(call))
        return np.where(same, scale.flat[0] * value / root, np.nan)

    def wanted(self, call, x, kept):
        return ~x.known | kept

    def plan(self, call, inputs, outputs, kept):
        step = super().plan(call, inputs, outputs, kept)
        x = inputs[0].channels
        if x.axis is None or not is_coupled(call, x.axis):
            return step
        wanted = self.wanted(call, x, kept[0])
        ratio = x.size / np.count_nonzero(wanted)
        squares = np.sum(x.value[x.known & ~wanted] ** 2)
        epsilon = ratio * (_epsilon(call) + squares / x.size)
        place = _axes(call).index(x.axis)
        scale = np.compress(wanted, call.weights["scale"], axis=place)
        return dataclasses.replace(
            step,
            config={"epsilon": float(epsilon)},
            weights={"scale": scale * np.sqrt(ratio)},
        )

    def scaled_weights(self, call, factors):
        return _scaled_weights(call, "scale", ("scale",), factors)


@register_strip_rule(layers.UnitNormalization)
class UnitNormalizationRule(CoupledRule):
    """`x / norm(x)`: zeros add nothing to the norm."""

    def whole(self, call, x):
        return Channels(x.axis, x.known & (x.value == 0), np.zeros(x.size))

    def wanted(self, call, x, kept):
        return ~x.known | x.nonzero | kept


@register_strip_rule(layers.Softmax)
@register_strip_rule(operation_class("Softmax"))
class SoftmaxRule(CoupledRule):
    """Shares of a whole; the shares of n equal entries are `1 / n`."""

    def barrier(self, call):
        flat = call.layer.axis is None
        if flat or [len(shape) for shape in call.input_shapes] == [2]:
            return Barrier.COUPLED_CHANNELS  # there is no other axis
        return super().barrier(call)

    def alone(self, call, value):
        sizes = [call.input_shapes[0][axis] for axis in _axes(call)]
        share = np.nan if None in sizes else 1 / np.prod(sizes)
        return np.full_like(value, share)


@register_strip_rule(layers.Masking)
class MaskingRule(StripRule):
    """Whether a step is masked depends on all of its channels."""

    def barrier(self, call):
        return Barrier.COUPLED_CHANNELS


def is_coupled(call: Call, axis: int | None) -> bool:
    """Whether the layer normalizes over `axis`."""
    return axis is None or axis in _axes(call)


def _axes(call):
    """The axes that the layer normalizes over, from the front, in order."""
    axis, rank = call.layer.axis, len(call.input_shapes[0])
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return sorted(a % rank for a in axes)


def _epsilon(call):
    epsilon = call.layer.epsilon
    return keras.config.epsilon() if epsilon is None else epsilon


def _by_channel(call, name, default, axis, size):
    """A weight as float64 `[entries, channels]`."""
    weight = call.weights.get(name)
    if weight is None:
        return np.full((1, size), default)
    weight = np.moveaxis(weight, _axes(call).index(axis), -1)
    return weight.astype("float64").reshape(-1, size)


def _scaled_weights(call, factor, names, factors):
    """The weights `names` times the factors, if `factor` is one of them.

    The factors lie along the axis that is normalized over, unless another
    axis has as many entries: then nobody can tell.
    """
    axes = _axes(call)
    shape = call.output_shapes[0]
    fitting = [a for a in range(1, len(shape)) if shape[a] == factors.size]
    if factor not in call.weights or len(axes) > 1 or fitting != axes:
        return None
    return {
        name: w * factors if name in names else w
        for name, w in call.weights.items()
    }
