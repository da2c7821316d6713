"""Separable convolution: a depthwise one, then a product over the channels."""

import numpy as np
from keras import layers

from keras_l0.surgery import activations
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.rules.depthwise import absorb
from keras_l0.surgery.rules.grouped import Packing
from keras_l0.surgery.rules.linear import misplaces_bias
from keras_l0.surgery.rules.linear import sees_no_padding
from keras_l0.surgery.selection import Adapter
from keras_l0.surgery.selection import Selection

_WEIGHTS = {"depthwise_kernel", "pointwise_kernel", "bias"}


@register_strip_rule(layers.SeparableConv1D)
@register_strip_rule(layers.SeparableConv2D)
class SeparableRule(StripRule):
    """A linear map of the channels by way of `channels * multiplier` others.

    Channels between the two kernels that either of them leaves alone are left
    out. Constants are folded into the bias where no kernel meets padding;
    elsewhere they are put into the input.
    """

    def barrier(self, call):
        if set(call.weights) - _WEIGHTS:
            return Barrier.EXTRA_WEIGHTS
        if misplaces_bias(call, call.layer.filters):
            return Barrier.STRAY_BIAS
        return super().barrier(call)

    def input_axes(self, call, axes):
        return [call.channel_axis]

    def forward(self, call, inputs):
        x, (depthwise, pointwise) = inputs[0], _kernels(call)
        activation = call.layer.activation
        if not activations.is_elementwise(activation):
            return [Channels.whole(call.output_shapes[0], x.axis)]
        blocking = ~x.known
        if not sees_no_padding(call):
            blocking = blocking | x.nonzero
        between = blocking[:, None] & (depthwise != 0).any(axis=0)
        known = ~(pointwise[between] != 0).any(axis=0)
        sums = _bias(call) + _constant_part(call, x, x.known)
        value = activations.evaluate(activation, np.where(known, sums, 0))
        return [Channels(x.axis, known, value)]

    def backward(self, call, inputs, kept):
        needed = self._used(call, inputs[0], kept[0]).any(axis=1)
        if not needed.any():
            needed[0] = True  # a layer has at least one input channel
        return [needed]

    def _used(self, call, x, kept):
        """Channels between the kernels that `kept` depends on.

        Boolean `[channels, multiplier]`, without those of constants that are
        folded.
        """
        depthwise, pointwise = _kernels(call)
        used = (depthwise != 0).any(axis=0)
        used = used & (pointwise[..., kept] != 0).any(axis=-1)
        blocking = ~x.known
        if not sees_no_padding(call):
            blocking = blocking | x.nonzero
        return used & blocking[:, None]

    def plan(self, call, inputs, outputs, kept):
        x, (depthwise, pointwise) = inputs[0], _kernels(call)
        used = self._used(call, x.channels, kept[0])
        folded = x.channels.known & ~used.any(axis=1)
        bias = (_bias(call) + _constant_part(call, x.channels, folded))[kept[0]]
        packing, adapter, factors = _pack(x, used)
        depthwise = packing.select(depthwise) * factors[:, None]
        pointwise = pointwise[packing.rows[:, None], packing.columns]
        pointwise = pointwise[..., kept[0]]
        step = self._step(call, outputs[0], kept[0], depthwise, pointwise, bias)
        step.adapters[0] = adapter
        step.folded = int(np.count_nonzero(folded & x.channels.nonzero))
        return step

    def _step(self, call, output, kept, depthwise, pointwise, bias):
        use_bias = call.layer.use_bias or bool(bias.any())
        if use_bias and misplaces_bias(call, bias.size):
            pointwise = np.pad(pointwise, ((0, 0), (0, 0), (0, 1)))
            bias = np.pad(bias, (0, 1))
        spatial = call.layer.kernel_size
        weights = {
            "depthwise_kernel": depthwise.reshape(
                *spatial, *depthwise.shape[1:]
            ),
            "pointwise_kernel": pointwise.reshape(
                *[1] * len(spatial), -1, bias.size
            ),
        }
        if use_bias:
            weights["bias"] = bias
        position = Selection.of(output, kept).position
        return Step(
            {},
            [Selection(output, bias.size, position, np.ones(kept.size))],
            {
                "depth_multiplier": depthwise.shape[-1],
                "filters": bias.size,
                "use_bias": use_bias,
            },
            weights,
        )

    def scaled_weights(self, call, factors):
        if not activations.is_homogeneous(call.layer.activation):
            return None
        return {
            name: weight if name == "depthwise_kernel" else weight * factors
            for name, weight in call.weights.items()
        }


def _pack(
    x: Selection, used: np.ndarray
) -> tuple[Packing, Adapter, np.ndarray]:
    """The channels between the kernels, and the inputs that they see."""
    if used.any():
        packing = Packing.of(used)
        return packing, *absorb(x, packing.rows)
    # The outputs are constants that a consumer insists on: any input channel
    # carries them, under kernels of zeros.
    packing = Packing.of(used, rows=np.array([0]), least=1)
    anything = np.flatnonzero(x.position >= 0)[:1]
    return packing, x.adapt(anything, absorbed=True), np.ones(1)


def _kernels(call):
    """Float64 `[positions, channels, multiplier]` and `[channels,
    multiplier, filters]`.
    """
    depthwise = call.weights["depthwise_kernel"].astype("float64")
    depthwise = depthwise.reshape(-1, *depthwise.shape[-2:])
    pointwise = call.weights["pointwise_kernel"].astype("float64")
    return depthwise, pointwise.reshape(*depthwise.shape[1:], -1)


def _bias(call):
    return call.weights.get("bias", np.zeros(call.layer.filters)).astype(
        "float64"
    )


def _constant_part(call, channels, folded):
    """What the channels `folded` add to each output, float64 `[filters]`."""
    depthwise, pointwise = _kernels(call)
    value = np.where(folded, channels.value, 0)
    return np.einsum("kcm,cmf,c->f", depthwise, pointwise, value, optimize=True)
