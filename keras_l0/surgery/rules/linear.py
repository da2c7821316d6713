"""Dense and convolution: linear maps of the channels, then an activation."""

import dataclasses
import math

import numpy as np
from keras import layers

from keras_l0.surgery import activations
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import register_strip_rule
from keras_l0.surgery.rule import Call
from keras_l0.surgery.rule import Step
from keras_l0.surgery.rule import StripRule
from keras_l0.surgery.rules.grouped import Packing
from keras_l0.surgery.selection import Adapter
from keras_l0.surgery.selection import Selection


class LinearRule(StripRule):
    """A kernel of shape `(..., inputs, outputs)`, a bias and an activation.

    Output channel j depends on input channel i where the kernel has an entry
    other than 0. Constants of inputs that a kernel sees at every position are
    folded into the bias. A padded convolution does not see them at the border:
    there all nonzero constants together become one input channel of ones.

    With groups, each group is such a map of its own. Groups of which nothing
    is kept disappear; the others must be equal in size, so that the smaller of
    them are filled up with kernels of zeros.
    """

    config_width: str  # entry of the config that holds the number of outputs

    def barrier(self, call):
        if set(call.weights) - {"kernel", "bias"}:
            return Barrier.EXTRA_WEIGHTS
        return super().barrier(call)

    def groups(self, call: Call) -> int:
        """Into how many groups the channels are split."""
        return 1

    def oriented(self, kernel: np.ndarray) -> np.ndarray:
        """Puts the axes `(..., inputs, outputs)` in order, or back again."""
        return kernel

    def folds_constants(self, call: Call) -> bool:
        """Whether the kernel sees every input channel at every position."""
        return True

    def misplaces_bias(self, call: Call, units: int) -> bool:
        """Whether a bias of `units` entries would go astray."""
        return False

    def forward(self, call, inputs):
        x, kernel = inputs[0], self._kernel(call)
        (axis,) = self.output_axes(call, [x.axis])
        activation = call.layer.activation
        if not activations.is_elementwise(activation):
            return [Channels.whole(call.output_shapes[0], axis)]
        blocking = ~x.known
        if not self.folds_constants(call):
            blocking = blocking | x.nonzero
        sees = _dependencies(kernel) & _split(blocking, kernel)[..., None]
        known = ~sees.any(axis=1).ravel()
        sums = _bias(call, known.size) + _constant_part(kernel, x, x.known)
        value = activations.evaluate(activation, np.where(known, sums, 0))
        return [Channels(axis, known, value)]

    def backward(self, call, inputs, kept):
        live, padded = self._wanted(call, inputs[0], kept[0])
        needed = live.copy()
        needed[np.flatnonzero(padded)[:1]] = True
        if not needed.any():
            needed[0] = True  # a layer has at least one input channel
        return [needed]

    def _wanted(self, call, x, kept):
        """Input channels to compute with, and constants to put in."""
        kernel = self._kernel(call)
        sees = _dependencies(kernel) & _split(kept, kernel)[:, None]
        seen = sees.any(axis=2).ravel()
        padded = np.zeros_like(seen)
        if not self.folds_constants(call):
            padded = seen & x.nonzero
        return seen & ~x.known, padded

    def plan(self, call, inputs, outputs, kept):
        x, kernel = inputs[0], self._kernel(call)
        live, padded = self._wanted(call, x.channels, kept[0])
        folded = x.channels.known & ~padded
        bias = _bias(call, kept[0].size)
        bias = bias + _constant_part(kernel, x.channels, folded)
        use_bias = call.layer.use_bias or bool(bias[kept[0]].any())
        outs = Packing.of(_split(kept[0], kernel))
        if use_bias and self.misplaces_bias(call, outs.places):
            outs = outs.with_spare_place()
        # Outputs may be constants that a consumer insists on: then any input
        # channel carries them, under a kernel of zeros.
        least = int(not padded.any())
        ins = Packing.of(_split(live, kernel), outs.rows, least)
        small = _small_kernel(kernel, ins, outs)
        small *= ins.select(_split(x.scale, kernel))[..., None]
        if padded.any():
            value = _split(np.where(padded, x.channels.value, 0), kernel)
            ones = outs.select(np.einsum("kgio,gi->kgo", kernel, value))
            small = np.concatenate([small, ones[:, :, None]], axis=2)
        config, weights = self._layer(call, small, use_bias)
        if use_bias:
            weights["bias"] = outs.select(_split(bias, kernel)).ravel()
        position = outs.positions(kernel.shape[1])
        return Step(
            {0: _adapter(x, ins, ones=bool(padded.any()))},
            [Selection(outputs[0], outs.places, position, np.ones(bias.size))],
            config,
            weights,
            folded=int(np.count_nonzero(folded & x.channels.nonzero)),
        )

    def _kernel(self, call):
        """The kernel, float64 `[positions, groups, inputs, outputs]`."""
        kernel = self.oriented(call.weights["kernel"]).astype("float64")
        kernel = kernel.reshape(-1, kernel.shape[-2], kernel.shape[-1])
        shape = (*kernel.shape[:2], self.groups(call), -1)
        return kernel.reshape(shape).swapaxes(1, 2)

    def _layer(self, call, kernel, use_bias):
        """Config changes of the smaller layer, and its kernel."""
        spatial = call.weights["kernel"].shape[:-2]
        _, groups, inputs, outputs = kernel.shape
        units = groups * outputs
        kernel = kernel.swapaxes(1, 2).reshape(*spatial, inputs, units)
        config = {self.config_width: units, "use_bias": use_bias}
        if self.groups(call) > 1:
            config["groups"] = groups
        return config, {"kernel": self.oriented(kernel)}

    def scaled_weights(self, call, factors):
        if not activations.is_homogeneous(call.layer.activation):
            return None
        kernel = self.oriented(call.weights["kernel"]) * factors
        weights = {"kernel": self.oriented(kernel)}
        if "bias" in call.weights:
            weights["bias"] = call.weights["bias"] * factors
        return weights


@register_strip_rule(layers.Dense)
class DenseRule(LinearRule):
    """`activation(x @ kernel + bias)` over the last axis."""

    config_width = "units"

    def input_axes(self, call, axes):
        return [len(call.input_shapes[0]) - 1]


@register_strip_rule(layers.Conv1D)
@register_strip_rule(layers.Conv2D)
@register_strip_rule(layers.Conv3D)
class ConvRule(LinearRule):
    """Convolution with any groups, padding, stride and dilation."""

    config_width = "filters"

    def barrier(self, call):
        if misplaces_bias(call, call.layer.filters):
            return Barrier.STRAY_BIAS
        return super().barrier(call)

    def groups(self, call):
        return call.layer.groups

    def input_axes(self, call, axes):
        return [call.channel_axis]

    def folds_constants(self, call):
        return sees_no_padding(call)

    def misplaces_bias(self, call, units):
        return misplaces_bias(call, units)


def sees_no_padding(call: Call) -> bool:
    """Whether a kernel lies on the input at every position."""
    # A kernel of one position is never padded.
    return (
        call.layer.padding == "valid" or math.prod(call.layer.kernel_size) == 1
    )


def misplaces_bias(call: Call, units: int) -> bool:
    """Whether Keras adds a bias of `units` entries along the wrong axis.

    It adds a bias along the last axis if that is as long as the bias, whatever
    the data format; with one filter more, it does not.
    """
    first = call.layer.data_format == "channels_first"
    return first and call.output_shapes[0][-1] in (None, units)


def _split(values, kernel):
    """Values of all channels, by the groups of a kernel."""
    return values.reshape(kernel.shape[1], -1)


def _bias(call, size):
    return call.weights.get("bias", np.zeros(size)).astype("float64")


def _dependencies(kernel):
    """Boolean `[groups, inputs, outputs]`: which output sees which input."""
    return (kernel != 0).any(axis=0)


def _constant_part(kernel, channels, folded):
    """What the channels `folded` add to each output, float64 `[outputs]`."""
    value = _split(np.where(folded, channels.value, 0), kernel)
    return np.einsum("kgio,gi->go", kernel, value).ravel()


def _small_kernel(kernel, ins, outs):
    """The part of a kernel that is kept, 0 for outputs that are fillers."""
    small = kernel[
        :,
        outs.rows[:, None, None],
        ins.columns[:, :, None],
        outs.columns[:, None, :],
    ]
    small *= outs.filled[:, None, :]
    return small


def _adapter(x: Selection, ins: Packing, ones: bool) -> Adapter:
    """Puts the input channels in their places, and ones behind each group."""
    anything = np.argmax(x.position >= 0)
    wanted = np.where(ins.filled, ins.members, anything)
    wanted = np.pad(wanted, ((0, 0), (0, int(ones))), constant_values=anything)
    adapter = x.adapt(wanted.ravel(), absorbed=True)
    if not ones:
        return adapter
    is_one = np.zeros(wanted.shape, bool)
    is_one[:, -1] = True
    return dataclasses.replace(
        adapter,
        positions=np.where(is_one.ravel(), -1, adapter.positions),
        scale=np.where(is_one.ravel(), 1, adapter.scale),
        shift=np.where(is_one.ravel(), 1, adapter.shift),
    )
