"""What a gate multiplies: a layer's outputs, its inputs, or its weights.

One class per value of `L0Gate(on=...)`. A target knows the shape of the gates,
multiplies them in, and knows which weights each gate stands for.
"""

import abc
import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_l0.gates import Gate
from keras_l0.internal import keras_internals
from keras_l0.internal import validation
from keras_l0.layers import weight_groups
from keras_l0.layers.gate_vector import GateVector
from keras_l0.layers.substitution import SubstitutionScope


class Target(abc.ABC):
    """What the gates of one `L0Gate` multiply.

    Args:
        layer: The wrapped layer.
        axis: The gated axis.
        gate: The gate family.
    """

    def __init__(self, layer: keras.layers.Layer, axis: int, gate: Gate):
        self.layer = layer
        self.axis = axis
        self.gate = gate

    @abc.abstractmethod
    def build(self, input_shape: tuple) -> int:
        """Returns the number of gates; the layer is built already."""

    @abc.abstractmethod
    def call(self, inputs, gates: tf.Tensor, kwargs: dict):
        """Runs the layer under `gates`; `(outputs, losses)`."""

    @abc.abstractmethod
    def group_size(self) -> float:
        """Number of weights that one gate stands for."""

    def kernel_size(self) -> tuple[int, int]:
        """Number of positions and of input channels of the layer's kernel."""
        weights = self.layer.trainable_weights
        shape = weights[0].shape if weights else ()
        if len(shape) < 2:
            return 1, 1
        return math.prod(shape[:-2]), shape[-2]

    def features(self) -> list[tuple[int, int]] | None:
        """`(rows, features)` of each weight that has gates of its own."""
        return None

    @abc.abstractmethod
    def squared_norms(self) -> tf.Tensor:
        """Squared norm of each gate's weights, float32 `[num_gates]`."""


class TensorTarget(Target):
    """Gates along one axis of the layer's input or output.

    Where it is the same, to the gradient, the gates multiply the layer's
    weights instead of the tensor: a convolution has thousands of times fewer
    weights than outputs.
    """

    on: str

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

    def call(self, inputs, gates, kwargs):
        groups = self._groups if len(gates.shape) == 1 else []
        if groups and self._moves_into_weights(groups):
            values = _scaled(groups, gates)
            return _call_with(self.layer, values, inputs, kwargs)
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
        return self.layer.compute_output_shape(input_shape)

    def _moves_into_weights(self, groups):
        """`z * f(x @ w + b)` is `f(x @ (z * w) + z * b)` if f allows it.

        ReLU commutes with z >= 0, but its gradient at 0 is 0: then a closed
        gate would learn nothing.
        """
        layer = self.layer
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


class WeightsTarget(Target):
    """A gate on every single weight of the layer other than biases."""

    def build(self, input_shape):
        if not self.weights:
            raise ValueError(
                "`on='weights'` needs a layer with weights other than biases. "
                f"Received: layer='{self.layer.name}' "
                f"({type(self.layer).__name__})"
            )
        return sum(math.prod(weight.shape) for weight in self.weights)

    @property
    def weights(self) -> list[keras.Variable]:
        """The gated weights, in the layer's own order."""
        found = {
            id(weight): weight
            for layer in keras_internals.flatten_layers(self.layer)
            if not isinstance(layer, GateVector)
            for weight in keras_internals.own_trainable_variables(layer)
            if weight.name not in ("bias", "beta")
        }
        return list(found.values())

    def gated(self, gates: tf.Tensor) -> list[tuple]:
        """`(variable, gated value)` for each gated weight."""
        sizes = [math.prod(weight.shape) for weight in self.weights]
        # Slicing one piece off a single one would cost its gradient.
        parts = (
            ops.split(gates, np.cumsum(sizes)[:-1]) if sizes[1:] else [gates]
        )
        return [
            (weight, _times(weight, z, weight.shape))
            for weight, z in zip(self.weights, parts, strict=True)
        ]

    def call(self, inputs, gates, kwargs):
        return _call_with(self.layer, self.gated(gates), inputs, kwargs)

    def features(self):
        """An output unit, along the last axis, is one feature."""
        return [
            (math.prod(weight.shape[:-1]), weight.shape[-1])
            for weight in self.weights
        ]

    def group_size(self):
        return 1.0

    def squared_norms(self):
        flat = [
            ops.reshape(keras_internals.full_precision(weight), (-1,))
            for weight in self.weights
        ]
        return ops.square(ops.concatenate(flat))


def _scaled(groups, gates):
    """`(variable, value)` for each variable that takes the gates."""
    pairs = []
    for variable, axes in groups:
        shape = [1] * len(variable.shape)
        for axis in axes if isinstance(axes, tuple) else (axes,):
            shape[axis] = variable.shape[axis]
        pairs.append((variable, _times(variable, gates, shape)))
    return pairs


def _times(variable, gates, shape):
    value = ops.convert_to_tensor(variable)
    return value * ops.cast(ops.reshape(gates, shape), value.dtype)


def _call_with(layer, values, inputs, kwargs):
    """Runs `layer` with other values in place of some of its variables."""
    with SubstitutionScope(values) as scope:
        outputs = layer(inputs, **kwargs)
    return outputs, scope.losses


TARGETS = {
    "outputs": OutputsTarget,
    "inputs": InputsTarget,
    "weights": WeightsTarget,
}
