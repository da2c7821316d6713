"""Gates that multiply a tensor: a layer's outputs or its inputs."""

import abc
import math

import keras
from keras import ops
from keras.layers import RNN

from keras_l0.internal import validation
from keras_l0.layers import weight_groups
from keras_l0.layers.target import Target
from keras_l0.layers.target import call_with
from keras_l0.layers.target import times


class TensorTarget(Target):
    """Gates along one axis of the layer's input or output.

    Where it is the same, to the gradient, the gates multiply the layer's
    weights instead of the tensor: a convolution has thousands of times fewer
    weights than outputs.
    """

    def build(self, input_shape):
        shape = self._gated_shape(input_shape)
        where = f"the {self.on[:-1]} of '{self.layer.name}'"
        if not shape or not all(isinstance(d, int | None) for d in shape):
            raise ValueError(
                f"`on={self.on!r}` gates one tensor, but {where} has several. "
                f"Received: shape={shape}"
            )
        axis = validation.normalize_axis(self.axis, shape, where)
        self.gate_shape = [1] * len(shape)
        self.gate_shape[axis] = shape[axis]
        self.gated_axis = axis
        return shape[axis]

    def check_noise_shape(self, noise_shape):
        expected = (None, *self.gate_shape[1:])
        if noise_shape not in (expected, (1, *expected[1:])):
            raise ValueError(
                "`noise_shape` must be 1 along every axis but the gated one, "
                "and None (one draw per example) or 1 along the batch axis. "
                f"Expected {expected}. Received: noise_shape={noise_shape}"
            )

    @abc.abstractmethod
    def _gated_shape(self, input_shape):
        """Shape of the tensor that the gates multiply."""

    @abc.abstractmethod
    def _moves_into_weights(self, groups):
        """Whether scaling the groups of weights is the same."""

    @property
    def _groups(self):
        """`(variable, axes)` where the units are found in the weights."""
        return weight_groups.members(
            self.layer, self.on, self.gated_axis, len(self.gate_shape)
        )

    @property
    def multiplies_weights(self) -> bool:
        """Whether gates that serve the whole batch multiply the weights."""
        groups = self._groups
        return bool(groups) and self._moves_into_weights(groups)

    def call(self, inputs, gates, kwargs):
        if len(gates.shape) == 1 and self.multiplies_weights:
            values = _scaled(self._groups, gates)
            return call_with(self.layer, values, inputs, kwargs)
        return self._call_with_gated_tensor(inputs, gates, kwargs), []

    @abc.abstractmethod
    def _call_with_gated_tensor(self, inputs, gates, kwargs):
        """Runs the layer and multiplies its input or output."""

    def _multiply(self, tensor, gates):
        if not keras.backend.is_float_dtype(tensor.dtype):
            raise TypeError(
                f"`on={self.on!r}` scales a tensor of floating-point numbers. "
                f"Received: layer='{self.layer.name}' "
                f"({type(self.layer).__name__}), "
                f"dtype={keras.backend.standardize_dtype(tensor.dtype)}"
            )
        z = ops.cast(gates, tensor.dtype)
        if len(z.shape) == 2:  # one vector per example
            z = ops.reshape(z, (-1, *self.gate_shape[1:]))
        elif self.gate_shape[-1] == 1:  # the last axis broadcasts as it is
            z = ops.reshape(z, self.gate_shape)
        return tensor * z

    def group_size(self):
        return weight_groups.group_size(self._groups, self._num_gates)

    def squared_norms(self):
        groups = self._groups
        if not groups:
            raise ValueError(
                "`l2` needs gates along an axis that the layer's weights have. "
                f"Received: layer='{self.layer.name}' "
                f"({type(self.layer).__name__}), on={self.on!r}, "
                f"axis={self.axis}"
            )
        return weight_groups.squared_norms(groups, self._num_gates)

    @property
    def _num_gates(self):
        return math.prod(self.gate_shape)


class OutputsTarget(TensorTarget):
    """Gates on the units of the layer's output."""

    on = "outputs"

    def _gated_shape(self, input_shape):
        shape = self.layer.compute_output_shape(input_shape)
        if isinstance(self.layer, RNN) and self.layer.return_state:
            return shape[0]
        return shape

    @property
    def _state_kernels(self):
        """Recurrent kernels, if the gates are those of their units."""
        on_units = self.gated_axis == len(self.gate_shape) - 1
        return weight_groups.state_kernels(self.layer) if on_units else []

    def check_noise_shape(self, noise_shape):
        super().check_noise_shape(noise_shape)
        if noise_shape[0] is None and self._state_kernels:
            raise ValueError(
                "`noise_shape` must be 1 along the batch axis of a recurrent "
                "layer: the gates of its state multiply weights, which serve "
                f"the whole batch. Received: layer='{self.layer.name}' "
                f"({type(self.layer).__name__}), noise_shape={noise_shape}"
            )

    def factors(self, gates):
        """The rows of recurrent kernels, which read the layer's own output."""
        values = []
        for kernel, blocks in self._state_kernels:
            units = kernel.shape[0]
            part = gates[blocks.part * units : (blocks.part + 1) * units]
            values.append((kernel, ops.reshape(part, (units, 1))))
        return values

    def call(self, inputs, gates, kwargs):
        if not self._state_kernels:
            return super().call(inputs, gates, kwargs)
        outputs, losses = call_with(
            self.layer, self.gated(gates), inputs, kwargs
        )
        # The states that a layer returns are gated like its output.
        gated = keras.tree.map_structure(
            lambda tensor: self._multiply(tensor, gates), outputs
        )
        return gated, losses

    def _moves_into_weights(self, groups):
        """`z * f(x @ w + b)` is `f(x @ (z * w) + z * b)` if f allows it.

        ReLU commutes with z >= 0, but its gradient at 0 is 0: then a closed
        gate would learn nothing.
        """
        layer = self.layer
        if weight_groups.is_scale(layer):
            return layer.scale  # a gate on the offset alone is none
        if not weight_groups.is_linear_map(layer):
            return False
        if layer.bias is not None and len(groups) < 2:
            return False  # an EinsumDense whose bias lacks the gated axis
        homogeneous = (keras.activations.relu, keras.activations.leaky_relu)
        return layer.activation is keras.activations.linear or (
            layer.activation in homogeneous and not self.gate.learns_when_closed
        )

    def _call_with_gated_tensor(self, inputs, gates, kwargs):
        return self._multiply(self.layer(inputs, **kwargs), gates)


class InputsTarget(TensorTarget):
    """Gates on the features of the layer's input."""

    on = "inputs"

    def _gated_shape(self, input_shape):
        return input_shape

    def _moves_into_weights(self, groups):
        """`(z * x) @ w` is `x @ (z * w)`."""
        return (
            weight_groups.is_linear_map(self.layer)
            and getattr(self.layer, "groups", 1) == 1
        )

    def _call_with_gated_tensor(self, inputs, gates, kwargs):
        return self.layer(self._multiply(inputs, gates), **kwargs)


def _scaled(groups, gates):
    """`(variable, value)` for each variable that takes the gates."""
    pairs = []
    for variable, axes in groups:
        shape = [1] * len(variable.shape)
        for axis in axes if isinstance(axes, tuple) else (axes,):
            shape[axis] = variable.shape[axis]
        pairs.append((variable, times(variable, ops.reshape(gates, shape))))
    return pairs
