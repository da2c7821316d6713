"""Hard concrete gates whose logits depend on other layers' (Dep-L0)."""

import math

import keras
import tensorflow as tf

from keras_l0.gates import weight_group
from keras_l0.gates.hard_concrete import HardConcrete
from keras_l0.internal import validation
from keras_l0.internal.api_export import keras_l0_export

_DIRECTIONS = ("forward", "backward")
_STARTS = ("published", "open")
_PENALTIES = ("independent", "product", "squared_kernel")
_BOUND = math.log(100)


@keras_l0_export
class DependentHardConcrete(HardConcrete):
    """Hard concrete gates with logits generated along the chain of layers.

    Each gated layer's logits come from those of the layer before (or behind)
    it:

        a_0 = ones
        a_k = log(100) * tanh(a_(k-1) @ kernel_k + bias_k)

    The tanh bounds the logits, so that nothing has to clamp them. Given the
    parameters the gates are still independent draws: what depends on each
    other are the updates. The chain spans the gate vectors of a
    `keras_l0.L0Model`, which is needed to make it; `GateVector.logits` is
    the bias.

    Args:
        direction: `"forward"` from the inputs to the outputs, or
            `"backward"`. Defaults to `"forward"`.
        start: `"published"` draws kernels from U(-1/sqrt(n), 1/sqrt(n)), n
            the number of gates they read: some of the gates behind the first
            layer start closed. `"open"` starts with kernels of 0 and every
            gate open. Defaults to `"published"`.
        penalty: `"independent"` charges for a gate as the other families do.
            `"product"` charges `K E_(k-1) E_k`, with K the number of
            positions of the kernel and E_k the expected number of open gates
            of layer k (the input channels for the first), as published for
            VGG16 and ResNet-56. `"squared_kernel"` charges `K (K C) E_k`, C
            the dense number of input channels: the formula of the reference
            code for ResNet-50, in which K stands twice. Defaults to
            `"independent"`.
        temperature: As in `HardConcrete`.
        stretch_low: As in `HardConcrete`.
        stretch_high: As in `HardConcrete`.
        inference: As in `HardConcrete`.

    Raises:
        ValueError: if an argument is out of its range.
        TypeError: if an argument is not a number.

    Example:

    >>> gate = keras_l0.gates.DependentHardConcrete(start="open")
    >>> logits = gate.generate(tf.ones([2]), tf.zeros([2, 3]), tf.fill([3], 3.))
    >>> gate.prob_nonzero(logits).numpy().round(4)
    array([0.9979, 0.9979, 0.9979], dtype=float32)

    Reference:
        [Li & Ji, 2021](https://arxiv.org/abs/2104.07302).
    """

    needs_model = True
    chained = True

    def __init__(
        self,
        direction: str = "forward",
        start: str = "published",
        penalty: str = "independent",
        temperature: float = 2 / 3,
        stretch_low: float = -0.1,
        stretch_high: float = 1.1,
        inference: str = "paper",
    ):
        super().__init__(
            temperature, stretch_low, stretch_high, inference=inference
        )
        self.direction = validation.check_choice(
            "direction", direction, _DIRECTIONS
        )
        self.start = validation.check_choice("start", start, _STARTS)
        self.penalty = validation.check_choice("penalty", penalty, _PENALTIES)

    def generate(
        self, previous: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor
    ) -> tf.Tensor:
        """Logits of one layer from those of the layer before it.

        Args:
            previous: Float32 tensor `[num_previous]`.
            kernel: Float32 tensor `[num_previous, num_gates]`.
            bias: Float32 tensor `[num_gates]`.

        Returns:
            logits: Float32 tensor `[num_gates]`.
        """
        return _BOUND * tf.tanh(tf.linalg.matvec(kernel, previous, True) + bias)

    def expected_weights(
        self, open_gates: tf.Tensor, group: weight_group.WeightGroup
    ) -> tf.Tensor:
        if self.penalty == "product":
            return group.positions * group.previous * tf.reduce_sum(open_gates)
        if self.penalty == "squared_kernel":
            size = group.positions * group.positions * group.inputs
            return size * tf.reduce_sum(open_gates)
        return super().expected_weights(open_gates, group)

    def kernel_initializer(self) -> keras.initializers.Initializer:
        """Initializer of a kernel of the chain."""
        if self.start == "open":
            return keras.initializers.Zeros()
        # U(-1/sqrt(n), 1/sqrt(n)), n the fan-in.
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")

    def logits_initializer(self) -> keras.initializers.Initializer:
        return keras.initializers.RandomNormal(3.0, 0.01)

    def logits_constraint(self) -> keras.constraints.Constraint | None:
        return None

    def get_config(self) -> dict:
        config = super().get_config()
        for name in ("drop_rate", "clamp"):
            del config[name]
        return {
            **config,
            "direction": self.direction,
            "start": self.start,
            "penalty": self.penalty,
        }
