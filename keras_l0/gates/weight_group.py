"""What a gate stands for, in numbers."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class WeightGroup:
    """The weights behind one gate of a layer.

    Attributes:
        size: Number of weights of one gate.
        positions: Number of positions of the layer's kernel, 1 for a Dense.
        inputs: Number of input channels of the layer.
        previous: Expected number of open gates of the layer before it in the
            chain of gates; `inputs` where there is none.

    Example:

    >>> group = keras_l0.gates.WeightGroup(size=75.0, positions=25, inputs=3)
    >>> gate = keras_l0.gates.HardConcrete()
    >>> float(gate.expected_weights(tf.constant([1.0, 0.5]), group))
    112.5
    """

    size: float
    positions: int = 1
    inputs: int = 1
    previous: tf.Tensor | float = 1.0
