"""Dense and convolution: linear maps of the channels, then an activation."""

import dataclasses

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


class LinearRule(StripRule):
    """A kernel of shape `(..., inputs, outputs)`, a bias and an activation.

    Output channel j depends on input channel i where the kernel has an entry
    other than 0. Constants of inputs that a kernel sees at every position are
    folded into the bias. A padded convolution does not see them at the border:
    there all nonzero constants together become one input channel of ones.
    """

    config_width: str  # entry of the config that holds the number of outputs

    def barrier(self, call):
        if set(call.weights) - {"kernel", "bias"}:
            return Barrier.EXTRA_WEIGHTS
        return super().barrier(call)

    def folds_constants(self, call: Call) -> bool:
        """Whether the kernel sees every input channel at every position."""
        return True

    def spare_units(self, call: Call, units: int) -> int:
        """How many units that nobody reads a smaller layer must have."""
        return 0

    def forward(self, call, inputs):
        x, kernel = inputs[0], _kernel(call)
        (axis,) = self.output_axes(call, [x.axis])
        activation = call.layer.activation
        if not activations.is_elementwise(activation):
            return [Channels.live(axis, kernel.shape[-1], divisible=False)]
        sees = _dependencies(kernel)
        blocking = ~x.known
        if not self.folds_constants(call):
            blocking = blocking | x.nonzero
        known = ~sees[blocking].any(axis=0)
        sums = _bias(call) + _constant_part(kernel, x, x.known)
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
        seen = _dependencies(_kernel(call))[:, kept].any(axis=1)
        padded = np.zeros_like(seen)
        if not self.folds_constants(call):
            padded = seen & x.nonzero
        return seen & ~x.known, padded

    def plan(self, call, inputs, outputs, kept):
        x, kernel = inputs[0], _kernel(call)
        live, padded = self._wanted(call, x.channels, kept[0])
        folded = x.channels.known & ~padded
        bias = _bias(call) + _constant_part(kernel, x.channels, folded)
        rows = np.flatnonzero(live)
        small = kernel[:, rows] * x.scale[rows, None]
        if padded.any():
            ones = np.einsum(
                "kio,i->ko", kernel[:, padded], x.channels.value[padded]
            )
            small = np.concatenate([small, ones[:, None]], axis=1)
        elif not live.any():
            # The outputs are constants that a consumer insists on: any input
            # channel carries them, under a kernel of zeros.
            rows = np.flatnonzero(x.position >= 0)[:1]
            small = np.zeros_like(kernel[:, rows])
        config, weights = self._layer(call, small[..., kept[0]], bias[kept[0]])
        selection = Selection.of(outputs[0], kept[0])
        width = config[self.config_width]
        return Step(
            {0: x.adapt(rows, absorbed=True, ones=int(padded.any()))},
            [dataclasses.replace(selection, width=width)],
            config,
            weights,
            folded=int(np.count_nonzero(folded & x.channels.nonzero)),
        )

    def _layer(self, call, kernel, bias):
        """Config changes and weights of the smaller layer."""
        use_bias = call.layer.use_bias or bool(bias.any())
        units = bias.size
        if use_bias:
            units += self.spare_units(call, units)
        if units > bias.size:
            spare = (0, units - bias.size)
            kernel = np.pad(kernel, ((0, 0), (0, 0), spare))
            bias = np.pad(bias, spare)
        spatial = call.weights["kernel"].shape[:-2]
        weights = {"kernel": kernel.reshape(*spatial, *kernel.shape[1:])}
        if use_bias:
            weights["bias"] = bias
        return {self.config_width: units, "use_bias": use_bias}, weights

    def scaled_weights(self, call, factors):
        if not activations.is_homogeneous(call.layer.activation):
            return None
        return {name: w * factors for name, w in call.weights.items()}


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
    """Convolution with one group, any padding, stride and dilation."""

    config_width = "filters"

    def barrier(self, call):
        if call.layer.groups != 1:
            return Barrier.GROUPED_KERNEL
        if self.spare_units(call, call.layer.filters):
            return Barrier.STRAY_BIAS
        return super().barrier(call)

    def spare_units(self, call, units):
        # Keras adds a bias along the last axis if that is as long as the bias,
        # whatever the data format; one filter more, and it does not.
        first = call.layer.data_format == "channels_first"
        return int(first and call.output_shapes[0][-1] == units)

    def input_axes(self, call, axes):
        first = call.layer.data_format == "channels_first"
        return [1 if first else len(call.input_shapes[0]) - 1]

    def folds_constants(self, call):
        # A kernel of one position is never padded.
        positions = np.prod(call.weights["kernel"].shape[:-2])
        return call.layer.padding == "valid" or positions == 1


def _kernel(call):
    """The kernel, float64 `[positions, inputs, outputs]`."""
    kernel = call.weights["kernel"].astype("float64")
    return kernel.reshape(-1, *kernel.shape[-2:])


def _bias(call):
    outputs = call.weights["kernel"].shape[-1]
    return call.weights.get("bias", np.zeros(outputs)).astype("float64")


def _dependencies(kernel):
    """Boolean `[inputs, outputs]`: which output sees which input."""
    return (kernel != 0).any(axis=0)


def _constant_part(kernel, channels, folded):
    """What the channels `folded` add to each output, float64 `[outputs]`."""
    value = np.where(folded, channels.value, 0)
    return np.einsum("kio,i->o", kernel, value)
