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
from keras_l0.layers.tensor_targets import InputsTarget
from keras_l0.layers.tensor_targets import OutputsTarget


class WeightsTarget(Target):
    """A gate on every single weight of the layer other than biases."""

    _num_gates = None

    on = "weights"

    def build(self, input_shape):
        if not self.weights:
            raise ValueError(
                "`on='weights'` needs a layer with weights other than biases. "
                f"Received: layer='{self.layer.name}' "
                f"({type(self.layer).__name__})"
            )
        self._num_gates = sum(math.prod(w.shape) for w in self.weights)
        return self._num_gates

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
        weights = list(found.values())
        size = sum(math.prod(weight.shape) for weight in weights)
        if self._num_gates not in (None, size):
            raise _quantized(self)
        return weights

    def factors(self, gates):
        sizes = [math.prod(weight.shape) for weight in self.weights]
        # Slicing one piece off a single one would cost its gradient.
        parts = (
            ops.split(gates, np.cumsum(sizes)[:-1]) if sizes[1:] else [gates]
        )
        return [
            (weight, ops.reshape(z, weight.shape))
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

    _found = False

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
        self._found = True
        return self._groups[-1][0].shape[0]

    @property
    def _groups(self):
        groups = weight_groups.heads(self.layer)
        if self._found and not groups:
            raise _quantized(self)
        return groups

    def factors(self, gates):
        kernel, _ = self._groups[-1]
        shape = (kernel.shape[0], *[1] * (len(kernel.shape) - 1))
        return [(kernel, ops.reshape(gates, shape))]

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


def _quantized(target):
    """The error of a layer that lost the kernels that gates multiply."""
    layer = target.layer
    return ValueError(
        f"The weights of '{layer.name}' are quantized, and gates of "
        f"`on={target.on!r}` cannot multiply them. Call `strip_gates` before "
        f"`quantize`. Received: layer='{layer.name}' ({type(layer).__name__})"
    )


TARGETS = {
    "outputs": OutputsTarget,
    "inputs": InputsTarget,
    "weights": WeightsTarget,
    "heads": HeadsTarget,
}
