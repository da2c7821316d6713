"""EinsumDense: a linear map along one input and one output axis."""

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


@dataclasses.dataclass(frozen=True)
class Equation:
    """The indices of an equation, one letter for each axis.

    `...` stands for as many digits as there are axes.

    Attributes:
        inputs, kernel, outputs: The letters of the three tensors.
        bias: The letters of the bias.
    """

    inputs: str
    kernel: str
    outputs: str
    bias: str

    @classmethod
    def of(cls, call: Call) -> "Equation":
        """The equation of an EinsumDense."""
        layer = call.layer
        operands, outputs = layer.equation.replace(" ", "").split("->")
        inputs, kernel = operands.split(",")
        hidden = len(call.input_shapes[0]) - len(inputs.replace("...", ""))
        digits = "".join(map(str, range(hidden)))
        outputs = outputs.replace("...", digits)
        return cls(
            inputs.replace("...", digits),
            kernel,
            outputs,
            layer.bias_axes or "",
        )

    @property
    def summed(self) -> str:
        """Input letters that are summed over, and followed."""
        return "".join(
            c for c in self.inputs if c in self.kernel and c not in self.outputs
        )

    @property
    def made(self) -> str:
        """Output letters that the kernel adds; the last one is followed."""
        return "".join(
            c for c in self.outputs if c in self.kernel and c not in self.inputs
        )

    @property
    def constant(self) -> str:
        """Output letters on which the part of a constant input depends."""
        return "".join(c for c in self.outputs if c in self.kernel)

    def output_shape(self, call: Call) -> list:
        """Shape of the output; the layer itself may leave sizes open."""
        known = dict(zip(self.inputs, call.input_shapes[0], strict=True))
        return [
            known.get(c, size)
            for c, size in zip(self.outputs, call.output_shapes[0], strict=True)
        ]

    def narrowed(self, call: Call, size: int) -> tuple:
        """The layer's `output_shape` with `size` followed channels.

        It lacks the batch axis, and the axes that `...` stands for.
        """
        shape = list(call.layer.partial_output_shape)
        given = [c for c in self.outputs if not c.isdigit()]
        if not call.layer.equation.startswith("..."):
            given = given[1:]
        shape[given.index(self.made[-1])] = size
        return tuple(shape)


@register_strip_rule(layers.EinsumDense)
class EinsumDenseRule(StripRule):
    """`activation(einsum(equation, x, kernel) + bias)`.

    Inputs are followed along an index that is summed over, outputs along the
    last one that the kernel adds: the `e` of `abc,cde->abde`. What constant
    inputs add to the outputs goes into a bias with as many indices as needed.
    """

    def barrier(self, call):
        if set(call.weights) - {"kernel", "bias"}:
            return Barrier.EXTRA_WEIGHTS
        equation = Equation.of(call)
        if not equation.summed or not equation.made:
            return Barrier.EQUATION
        if len(equation.outputs) != len(call.output_shapes[0]):
            return Barrier.DYNAMIC_SHAPE  # Keras was told sizes of `...`, too
        if set(equation.inputs) - set(equation.kernel + equation.outputs):
            return Barrier.EQUATION  # an index of which nobody knows the size
        if is_stray(_bias(call).shape, equation.output_shape(call)):
            return Barrier.STRAY_BIAS
        return super().barrier(call)

    def input_axes(self, call, axes):
        equation = Equation.of(call)
        if axes[0] is not None and equation.inputs[axes[0]] in equation.summed:
            return axes
        return [equation.inputs.index(equation.summed[-1])]

    def output_axes(self, call, axes):
        equation = Equation.of(call)
        return [equation.outputs.index(equation.made[-1])]

    def forward(self, call, inputs):
        x, (axis,) = inputs[0], self.output_axes(call, [])
        sees = _dependencies(call, x.axis)
        activation = call.layer.activation
        if not activations.is_elementwise(activation):
            return [Channels.live(axis, sees.shape[1], divisible=False)]
        sums = _bias(call) + _constant_part(call, x)
        value = activations.evaluate(activation, sums)
        entries = np.moveaxis(value, axis, -1).reshape(-1, sees.shape[1])
        known = ~sees[~x.known].any(axis=0)
        known &= (entries == entries[:1]).all(axis=0)
        return [Channels(axis, known, np.where(known, entries[0], 0))]

    def backward(self, call, inputs, kept):
        needed = self._wanted(call, inputs[0], kept[0])
        if not needed.any():
            needed[0] = True  # a layer has at least one input channel
        return [needed]

    def _wanted(self, call, x, kept):
        """Input channels to compute with."""
        return _dependencies(call, x.axis)[:, kept].any(axis=1) & ~x.known

    def plan(self, call, inputs, outputs, kept):
        x, channels = inputs[0], np.flatnonzero(kept[0])
        rows = np.flatnonzero(self._wanted(call, x.channels, kept[0]))
        factors = x.scale[rows]
        if not rows.size:
            # The outputs are constants: any input channel carries them, under
            # a kernel of zeros.
            rows, factors = np.flatnonzero(x.position >= 0)[:1], np.zeros(1)
        equation = Equation.of(call)
        made, axis = equation.made[-1], outputs[0].axis
        followed = equation.kernel.index(equation.inputs[x.channels.axis])
        kernel = np.take(call.weights["kernel"], rows, axis=followed)
        kernel = kernel * _along(factors, followed, kernel.ndim)
        place = equation.kernel.index(made)
        weights = {"kernel": np.take(kernel, channels, axis=place)}
        letters, bias = self._narrow_bias(call, x.channels, channels, axis)
        width = channels.size
        if letters:
            shape = equation.output_shape(call)
            shape[axis] = width
            if is_stray(bias.shape, shape):
                # One channel more that nobody reads, and Keras finds its axis.
                width += 1
                bias = _padded(bias, axis)
                weights["kernel"] = _padded(weights["kernel"], place)
            first = min(map(equation.outputs.index, letters))
            weights["bias"] = bias.reshape(bias.shape[first:])
        selection = Selection.of(outputs[0], kept[0])
        return Step(
            {0: x.adapt(rows, absorbed=True)},
            [dataclasses.replace(selection, width=width)],
            {
                "output_shape": equation.narrowed(call, width),
                "bias_axes": letters or None,
            },
            weights,
            folded=int(np.count_nonzero(x.channels.nonzero)),
        )

    def _narrow_bias(self, call, x, channels, axis):
        """Letters of the smaller bias, and the bias with the output's axes."""
        equation, part = Equation.of(call), _constant_part(call, x)
        letters, bias = set(equation.bias), _bias(call)
        if part.any():
            letters, bias = letters | set(equation.constant), bias + part
        if not letters:
            return "", bias
        if bias.shape[axis] == 1:
            # Along the followed axis, too: of one axis, Keras takes another.
            letters.add(equation.outputs[axis])
            shape = list(bias.shape)
            shape[axis] = call.output_shapes[0][axis]
            bias = np.broadcast_to(bias, shape)
        return "".join(sorted(letters)), np.take(bias, channels, axis=axis)

    def scaled_weights(self, call, factors):
        equation, kernel = Equation.of(call), call.weights["kernel"]
        made = equation.made[-1]
        homogeneous = activations.is_homogeneous(call.layer.activation)
        if not homogeneous or (equation.bias and made not in equation.bias):
            return None  # a bend, or a bias that lies along other axes
        along = _along(factors, equation.kernel.index(made), kernel.ndim)
        weights = {"kernel": kernel * along}
        if equation.bias:
            bias = call.weights["bias"]
            place = equation.outputs.index(made) - len(equation.outputs)
            weights["bias"] = bias * _along(factors, place, bias.ndim)
        return weights


def is_stray(bias: tuple, output: tuple) -> bool:
    """Whether Keras adds a bias along another axis than it lies on.

    It adds a bias with one axis longer than 1 along the last axis of the
    output if the sizes fit, else along axis 1 if they fit.

    An open size may fit.

    Args:
        bias: Shape of the bias, with all axes of the output.
        output: Shape of the output.
    """
    long = [axis for axis, size in enumerate(bias) if size > 1]
    if len(long) != 1:
        return False
    sizes = bias[long[0]], None
    fitting = [a for a in (len(output) - 1, 1) if output[a] in sizes]
    return bool(fitting) and fitting[0] != long[0]


def _padded(array, axis):
    """With one zero more along an axis."""
    padding = [(0, 0)] * array.ndim
    padding[axis] = (0, 1)
    return np.pad(array, padding)


def _along(values, axis, rank):
    """A vector along one axis of `rank`."""
    shape = [1] * rank
    shape[axis] = -1
    return values.reshape(shape)


def _dependencies(call, axis):
    """Boolean `[inputs, outputs]`: which output sees which input."""
    equation = Equation.of(call)
    letters = equation.inputs[axis], equation.made[-1]
    axes = [equation.kernel.index(letter) for letter in letters]
    kernel = np.moveaxis(call.weights["kernel"] != 0, axes, (0, 1))
    return kernel.reshape(*kernel.shape[:2], -1).any(axis=2)


def _bias(call):
    """The bias, float64, with all axes of the output."""
    bias = call.weights.get("bias", np.zeros(())).astype("float64")
    rank = len(call.output_shapes[0])
    return bias.reshape([1] * (rank - bias.ndim) + list(bias.shape))


def _constant_part(call, x):
    """What constants add to the output, with all axes of the output."""
    equation = Equation.of(call)
    axis = equation.kernel.index(equation.inputs[x.axis])
    kernel = call.weights["kernel"].astype("float64")
    value = np.where(x.known, x.value, 0)
    part = kernel * _along(value, axis, kernel.ndim)
    part = np.einsum(f"{equation.kernel}->{equation.constant}", part)
    places = [equation.outputs.index(c) for c in equation.constant]
    others = set(range(len(equation.outputs))) - set(places)
    return np.expand_dims(part, sorted(others))
