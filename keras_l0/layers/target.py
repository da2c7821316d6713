"""The interface of what a gate multiplies, one class for each `on`."""

import abc
import math

import keras
import tensorflow as tf
from keras import ops

from keras_l0.gates import Gate
from keras_l0.layers.substitution import SubstitutionScope


class Target(abc.ABC):
    """What the gates of one `L0Gate` multiply.

    Args:
        layer: The wrapped layer.
        axis: The gated axis.
        gate: The gate family.
    """

    on: str  # its name in `L0Gate(on=...)`

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

    def prepare(self, *args, **kwargs) -> None:
        """Builds a layer whose weights depend on more than one input."""
        del args, kwargs  # most layers build themselves

    def check_noise_shape(self, noise_shape: tuple) -> None:
        """Allows one draw per batch or per example, nothing in between."""
        raise ValueError(
            f"`noise_shape` does not apply to `on={self.on!r}`: one draw "
            f"serves the batch. Received: noise_shape={noise_shape}"
        )

    def output_shape(self, input_shape: tuple) -> tuple:
        """Shape of the layer's output."""
        return self.layer.compute_output_shape(input_shape)

    def factors(self, gates: tf.Tensor) -> list[tuple]:
        """`(variable, factors)` for each variable that takes the gates.

        In inference, and apart from what `call` multiplies beside them. The
        factors broadcast to the variable's shape.
        """
        return []

    def gated(self, gates: tf.Tensor) -> list[tuple]:
        """`(variable, gated value)` for each of `factors`."""
        return [(v, times(v, factor)) for v, factor in self.factors(gates)]

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


def times(variable: keras.Variable, factors: tf.Tensor) -> tf.Tensor:
    """The variable times factors that broadcast to its shape."""
    value = ops.convert_to_tensor(variable)
    return value * ops.cast(factors, value.dtype)


def call_with(
    layer: keras.layers.Layer, values: list[tuple], inputs, kwargs: dict
):
    """Runs `layer` with other values in place of some of its variables."""
    with SubstitutionScope(values) as scope:
        outputs = layer(inputs, **kwargs)
    return outputs, scope.losses
