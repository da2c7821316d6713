"""What a gate multiplies: a layer's outputs, its inputs, or its weights.

One class per value of `L0Gate(on=...)`. A target knows the shape of the gates,
multiplies them in, and knows which weights each gate stands for.
"""

import abc
import math
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from keras_l0.internal import validation
from keras_l0.layers import weight_groups
from keras_l0.layers.substitution import SubstitutionScope

Draw = Callable[[tf.Tensor | None], tf.Tensor]
"""Gives the gates; the argument is the tensor whose batch size counts."""


class Target(abc.ABC):
    """What the gates of one `L0Gate` multiply.

    Args:
        layer: The wrapped layer.
        axis: The gated axis.
    """

    def __init__(self, layer: keras.layers.Layer, axis: int):
        self.layer = layer
        self.axis = axis

    @abc.abstractmethod
    def build(self, input_shape: tuple) -> int:
        """Returns the number of gates; the layer is built already."""

    @abc.abstractmethod
    def call(self, inputs, gates: Draw, kwargs: dict):
        """Runs the layer under `gates`; `(outputs, losses)`."""

    @abc.abstractmethod
    def group_size(self) -> float:
        """Number of weights that one gate stands for."""

    @abc.abstractmethod
    def squared_norms(self) -> tf.Tensor:
        """Squared norm of each gate's weights, float32 `[num_gates]`."""


class TensorTarget(Target):
    """Gates along one axis of the layer's input or output."""

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
        self._gates_features = axis == weight_groups.feature_axis(
            self.layer, len(shape)
        )
        return shape[axis]

    @abc.abstractmethod
    def _gated_shape(self, input_shape):
        """Shape of the tensor that the gates multiply."""

    def _multiply(self, tensor, gates):
        z = ops.cast(gates(tensor), tensor.dtype)
        if len(z.shape) == 2:  # one vector per example
            z = ops.reshape(z, (-1, *self.gate_shape[1:]))
        elif self.gate_shape[-1] == 1:  # the last axis broadcasts as it is
            z = ops.reshape(z, self.gate_shape)
        return tensor * z

    def group_size(self):
        if not self._gates_features:
            return 1.0
        return weight_groups.group_size(self.layer, self.on, self._num_gates)

    def squared_norms(self):
        return weight_groups.squared_norms(self.layer, self.on, self._num_gates)

    @property
    def _num_gates(self):
        return math.prod(self.gate_shape)


class OutputsTarget(TensorTarget):
    """Gates on the units of the layer's output."""

    on = "outputs"

    def _gated_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def call(self, inputs, gates, kwargs):
        return self._multiply(self.layer(inputs, **kwargs), gates), []


class InputsTarget(TensorTarget):
    """Gates on the features of the layer's input."""

    on = "inputs"

    def _gated_shape(self, input_shape):
        return input_shape

    def call(self, inputs, gates, kwargs):
        return self.layer(self._multiply(inputs, gates), **kwargs), []


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
        return [
            weight
            for weight in self.layer.trainable_weights
            if weight.name not in ("bias", "beta")
        ]

    def gated(self, gates: tf.Tensor) -> list[tuple]:
        """`(variable, gated value)` for each gated weight."""
        pairs, start = [], 0
        for weight in self.weights:
            stop = start + math.prod(weight.shape)
            z = ops.reshape(gates[start:stop], weight.shape)
            value = ops.convert_to_tensor(weight)
            pairs.append((weight, value * ops.cast(z, value.dtype)))
            start = stop
        return pairs

    def call(self, inputs, gates, kwargs):
        with SubstitutionScope(self.gated(gates(None))) as scope:
            outputs = self.layer(inputs, **kwargs)
        return outputs, scope.losses

    def group_size(self):
        return 1.0

    def squared_norms(self):
        flat = [
            ops.reshape(ops.cast(weight, "float32"), (-1,))
            for weight in self.weights
        ]
        return ops.square(ops.concatenate(flat))


TARGETS = {
    "outputs": OutputsTarget,
    "inputs": InputsTarget,
    "weights": WeightsTarget,
}
