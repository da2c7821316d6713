"""What a gate multiplies: outputs, inputs, weights or heads of a layer.

One class per value of `L0Gate(on=...)`. A target knows the shape of the gates,
multiplies them in, and knows which weights each gate stands for.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_l0.internal import keras_internals
from keras_l0.layers import weight_groups
from keras_l0.layers.gate_vector import GateVector
from keras_l0.layers.target import Target
from keras_l0.layers.target import call_with
from keras_l0.layers.target import times
from keras_l0.layers.tensor_targets import InputsTarget
from keras_l0.layers.tensor_targets import OutputsTarget


class WeightsTarget(Target):
    """A gate on every single weight of the layer other than biases."""

    on = "weights"

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

    def gated(self, gates):
        sizes = [math.prod(weight.shape) for weight in self.weights]
        # Slicing one piece off a single one would cost its gradient.
        parts = (
            ops.split(gates, np.cumsum(sizes)[:-1]) if sizes[1:] else [gates]
        )
        return [
            (weight, times(weight, z, weight.shape))
            for weight, z in zip(self.weights, parts, strict=True)
        ]

    def call(self, inputs, gates, kwargs):
        return call_with(self.layer, self.gated(gates), inputs, kwargs)

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


class HeadsTarget(Target):
    """Gates on the heads of an attention layer.

    They multiply the rows of the kernel that joins the heads.
    """

    on = "heads"

    def prepare(self, inputs, *_, **kwargs):
        if kwargs.get("return_attention_scores"):
            raise ValueError(
                "`on='heads'` has no gates for attention scores. Received: "
                f"layer='{self.layer.name}', return_attention_scores=True"
            )
        if kwargs.get("value") is None:
            raise ValueError(
                "`on='heads'` takes the query first, and `value=` (and `key=`) "
                f"by name. Received: layer='{self.layer.name}', value=None"
            )
        if self.layer.built:
            return
        key = kwargs.get("key")
        self.layer.build(
            tuple(inputs.shape),
            tuple(kwargs["value"].shape),
            None if key is None else tuple(key.shape),
        )

    def output_shape(self, input_shape):
        shapes = self.layer.get_build_config()["shapes_dict"]
        return self.layer.compute_output_shape(
            input_shape, shapes["value_shape"], shapes.get("key_shape")
        )

    def build(self, input_shape):
        if not self._groups:
            raise ValueError(
                "`on='heads'` needs a MultiHeadAttention or a "
                "GroupQueryAttention layer with kernels of its own. Received: "
                f"layer='{self.layer.name}' ({type(self.layer).__name__})"
            )
        return self._groups[-1][0].shape[0]

    @property
    def _groups(self):
        return weight_groups.heads(self.layer)

    def gated(self, gates):
        kernel, _ = self._groups[-1]
        shape = (kernel.shape[0], *[1] * (len(kernel.shape) - 1))
        return [(kernel, times(kernel, gates, shape))]

    def call(self, inputs, gates, kwargs):
        return call_with(self.layer, self.gated(gates), inputs, kwargs)

    def kernel_size(self):
        return 1, 1

    def group_size(self):
        return weight_groups.group_size(self._groups, self._num_gates)

    def squared_norms(self):
        return weight_groups.squared_norms_of_heads(
            self._groups, self._num_gates
        )

    @property
    def _num_gates(self):
        return self._groups[-1][0].shape[0]


TARGETS = {
    "outputs": OutputsTarget,
    "inputs": InputsTarget,
    "weights": WeightsTarget,
    "heads": HeadsTarget,
}
