"""Normalization by channels: of each alone, or of groups of them."""

import numpy as np
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.selection import Selection

_WEIGHTS = {"gamma", "beta", "moving_mean", "moving_variance"}


@register_strip_rule(layers.BatchNormalization)
class BatchNormalizationRule(StripRule):
    """`slope * x + offset` in inference, made of the four statistics."""

    def barrier(self, call):
        if set(call.weights) - _WEIGHTS:
            return Barrier.EXTRA_WEIGHTS
        return super().barrier(call)

    def input_axes(self, call, axes):
        return [call.layer.axis % len(call.input_shapes[0])]

    def forward(self, call, inputs):
        x, (slope, offset) = inputs[0], _affine(call)
        known = x.known | (slope == 0)
        value = np.where(x.known, slope * x.value, 0) + offset
        return [Channels(x.axis, known, np.where(known, value, 0))]

    def backward(self, call, inputs, kept):
        needed = kept[0] & ~inputs[0].known
        if not needed.any():
            needed = kept[0]
        return [needed]

    def plan(self, call, inputs, outputs, kept):
        x, channels = inputs[0], np.flatnonzero(kept[0])
        weights = {name: w[channels] for name, w in call.weights.items()}
        scale = np.where(x.position < 0, 1.0, x.scale)[channels]
        absorbed = "gamma" in weights and bool((scale > 0).all())
        if absorbed:
            # gamma * (s * x - mean) == (gamma * s) * (x - mean / s)
            weights["gamma"] = weights["gamma"] * scale
            weights["moving_mean"] = weights["moving_mean"] / scale
        return Step(
            {0: x.adapt(channels, absorbed=absorbed)},
            [Selection.of(outputs[0], kept[0])],
            {},
            weights,
        )

    def scaled_weights(self, call, factors):
        return _scaled(call, factors)


def _affine(call: Call):
    """Slope and offset of each channel, float64 `[n]`."""
    weights = {name: w.astype("float64") for name, w in call.weights.items()}
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    slope = weights.get("gamma", 1.0) / np.sqrt(variance + call.layer.epsilon)
    return slope, weights.get("beta", 0.0) - slope * mean


@register_strip_rule(layers.GroupNormalization)
class GroupNormalizationRule(StripRule):
    """Normalizes each group of channels alone: whole groups are left out."""

    def input_axes(self, call, axes):
        return [call.layer.axis % len(call.input_shapes[0])]

    def forward(self, call, inputs):
        x = inputs[0]
        gamma = call.weights.get("gamma", np.ones(x.size))
        beta = call.weights.get("beta", np.zeros(x.size)).astype("float64")
        # A group of zeros has a mean of exactly 0.
        zeros = _by_group(call, x.known & (x.value == 0)).all(axis=1)
        known = (gamma == 0) | np.repeat(zeros, x.size // zeros.size)
        return [Channels(x.axis, known, np.where(known, beta, 0))]

    def backward(self, call, inputs, kept):
        return [self._whole_groups(call, kept[0])]

    def _whole_groups(self, call, kept):
        """The channels of every group that has one of `kept`."""
        groups = _by_group(call, kept).any(axis=1)
        return np.repeat(groups, kept.size // groups.size)

    def plan(self, call, inputs, outputs, kept):
        used = self._whole_groups(call, kept[0])
        channels = np.flatnonzero(used)
        groups = _by_group(call, used).any(axis=1)
        return Step(
            {0: inputs[0].adapt(channels)},
            [Selection.of(outputs[0], used)],
            {"groups": int(np.count_nonzero(groups))},
            {name: w[channels] for name, w in call.weights.items()},
        )

    def scaled_weights(self, call, factors):
        return _scaled(call, factors)


def _by_group(call, flags):
    """`[channels]` as `[groups, channels of a group]`."""
    return flags.reshape(call.layer.groups, -1)


def _scaled(call, factors):
    """Gamma and beta times the factors; None without gamma."""
    if "gamma" not in call.weights:
        return None
    return {
        name: w * factors if name in ("gamma", "beta") else w
        for name, w in call.weights.items()
    }
