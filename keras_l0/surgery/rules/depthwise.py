"""Depthwise convolution: some kernels of its own for each input channel."""

import dataclasses

import numpy as np
from keras import layers

from keras_l0.surgery import activations
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.rules.grouped import Packing
from keras_l0.surgery.rules.linear import misplaces_bias
from keras_l0.surgery.rules.linear import sees_no_padding
from keras_l0.surgery.selection import Adapter
from keras_l0.surgery.selection import Selection


@register_strip_rule(layers.DepthwiseConv1D)
@register_strip_rule(layers.DepthwiseConv2D)
class DepthwiseRule(StripRule):
    """Output channel `i * multiplier + m` sees input channel i alone.

    A nonzero constant stays one where no kernel meets padding; elsewhere it
    is put into the input. Input channels with fewer outputs left than others
    get kernels of zeros, as there is one multiplier for all.
    """

    def barrier(self, call):
        if set(call.weights) - {"kernel", "bias"}:
            return Barrier.EXTRA_WEIGHTS
        units = call.output_shapes[0][call.channel_axis]
        if misplaces_bias(call, units):
            return Barrier.STRAY_BIAS
        return super().barrier(call)

    def input_axes(self, call, axes):
        return [call.channel_axis]

    def forward(self, call, inputs):
        x, kernel = inputs[0], _kernel(call)
        activation = call.layer.activation
        if not activations.is_elementwise(activation):
            return [Channels.whole(call.output_shapes[0], x.axis)]
        blocking = ~x.known
        if not sees_no_padding(call):
            blocking = blocking | x.nonzero
        known = ~(blocking[:, None] & (kernel != 0).any(axis=0)).ravel()
        value = np.where(x.known, x.value, 0)
        sums = (kernel.sum(axis=0) * value[:, None]).ravel()
        sums = sums + call.weights.get("bias", np.zeros(known.size))
        value = activations.evaluate(activation, np.where(known, sums, 0))
        return [Channels(x.axis, known, value)]

    def backward(self, call, inputs, kept):
        return [kept[0].reshape(inputs[0].size, -1).any(axis=1)]

    def plan(self, call, inputs, outputs, kept):
        x, kernel = inputs[0], _kernel(call)
        channels = kernel.shape[1]
        packing = Packing.of(kept[0].reshape(channels, -1))
        if call.layer.use_bias and misplaces_bias(call, packing.places):
            packing = packing.with_spare_place()
        adapter, factors = absorb(x, packing.rows)
        small = packing.select(kernel) * factors[:, None]
        spatial = call.weights["kernel"].shape[:-2]
        weights = {"kernel": small.reshape(*spatial, *small.shape[1:])}
        if call.layer.use_bias:
            bias = call.weights["bias"].reshape(channels, -1)
            weights["bias"] = packing.select(bias).ravel()
        position = packing.positions(channels)
        ones = np.ones(position.size)
        return Step(
            {0: adapter},
            [Selection(outputs[0], packing.places, position, ones)],
            {"depth_multiplier": small.shape[-1]},
            weights,
        )

    def scaled_weights(self, call, factors):
        if not activations.is_homogeneous(call.layer.activation):
            return None
        kernel = call.weights["kernel"]
        by_kernel = factors.reshape(kernel.shape[-2:])
        weights = {"kernel": kernel * by_kernel}
        if "bias" in call.weights:
            weights["bias"] = call.weights["bias"] * factors
        return weights


def absorb(x: Selection, channels: np.ndarray) -> tuple[Adapter, np.ndarray]:
    """How to get channels, with the factors that kernels take over.

    Known constants come as they are, even where they are there with a factor:
    the factors must depend on what is known alone.
    """
    adapter, complete = x.adapt(channels, absorbed=True), x.adapt(channels)
    known = x.channels.known[channels]
    scale = np.where(known, complete.scale, adapter.scale)
    factors = np.where(known, 1, x.scale[channels])
    return dataclasses.replace(adapter, scale=scale), factors


def _kernel(call):
    """The kernel, float64 `[positions, channels, multiplier]`."""
    kernel = call.weights["kernel"].astype("float64")
    return kernel.reshape(-1, *kernel.shape[-2:])
