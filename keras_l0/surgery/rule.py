"""The interface of a strip rule: one entry per class of operations."""

import dataclasses
from typing import Any

import numpy as np

from keras_l0.graph import Node
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.selection import Adapter
from keras_l0.surgery.selection import Selection


@dataclasses.dataclass(frozen=True)
class Call:
    """A node with the shapes of its tensors.

    Attributes:
        node: The node.
        input_shapes, output_shapes: Tuples, batch axis included.
    """

    node: Node
    input_shapes: list[tuple]
    output_shapes: list[tuple]

    @property
    def layer(self) -> Any:
        """The operation; it is only to be looked at."""
        return self.node.operation

    @property
    def channel_axis(self) -> int:
        """The axis of the input's channels, by the layer's data format."""
        first = getattr(self.layer, "data_format", None) == "channels_first"
        return 1 if first else len(self.input_shapes[0]) - 1

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Variable name -> value."""
        return self.node.weights


@dataclasses.dataclass
class Step:
    """What the smaller model does in place of one call.

    Attributes:
        adapters: Which inputs are used, and what each is turned into; input
            number -> adapter.
        selections: One per output: which of its channels are there.
        config: Entries of the layer's config to change, or None: no layer;
            the adapted input is the output.
        gates: Boolean: which gates, or heads, the smaller model has here;
            None: no gates, or all heads.
        layer_class: Class of the smaller layer; None: that of the layer.
        weights: Variable name -> value; None copies the layer's own.
        arguments: `(args, kwargs)` in place of the node's own, with a `Ref`
            for each adapted input in turn; None: those of the node.
        folded: How many constants were folded into the weights.
    """

    adapters: dict[int, Adapter]
    selections: list[Selection]
    config: dict | None = dataclasses.field(default_factory=dict)
    weights: dict[str, np.ndarray] | None = None
    arguments: tuple[tuple, dict] | None = None
    folded: int = 0
    gates: np.ndarray | None = None
    layer_class: type | None = None


class StripRule:
    """How units are followed through one class of operations.

    The analysis calls `forward` on every node in order, then `backward` in
    reverse order; planning calls `plan`. All of them are pure functions of
    NumPy arrays; none may touch the layer. The default methods are those of an
    operation that works on each channel alone and computes the identity on
    constants. `keras_l0.surgery.register_strip_rule` has an example of a rule.

    Example:

    >>> class HalfRule(keras_l0.surgery.StripRule):
    ...     def forward(self, call, inputs):
    ...         x = inputs[0]
    ...         return [keras_l0.surgery.Channels(x.axis, x.known, x.value / 2)]
    """

    def barrier(self, call: Call) -> Barrier | None:
        """Why this very call cannot be followed; None if it can."""
        if len(call.input_shapes) != 1 or len(call.output_shapes) != 1:
            return Barrier.EXTRA_INPUTS
        return None

    def stops(self, call: Call, axes: list[int | None]) -> Barrier | None:
        """Why a call that is followed needs its input whole; None if not.

        It is for the report: units that arrive there are not removed.
        """
        return None

    # Whether tensors among the keyword arguments count as inputs, behind the
    # positional ones; otherwise a call that has any is a barrier.
    takes_keyword_tensors = False

    def input_axes(
        self, call: Call, axes: list[int | None]
    ) -> list[int | None]:
        """Axis along which each input must be followed.

        Args:
            axes: The axes along which they are followed so far.
        """
        return axes[:1] * len(axes)

    def output_axes(
        self, call: Call, axes: list[int | None]
    ) -> list[int | None]:
        """Axis along which each output is followed, given the inputs' axes."""
        return axes[:1] * len(call.output_shapes)

    def forward(self, call: Call, inputs: list[Channels]) -> list[Channels]:
        """What is known of the outputs, given what is known of the inputs."""
        (axis,) = self.output_axes(call, [x.axis for x in inputs])
        return [dataclasses.replace(inputs[0], axis=axis)]

    def backward(
        self, call: Call, inputs: list[Channels], kept: list[np.ndarray]
    ) -> list[np.ndarray]:
        """Which input channels are needed to compute the channels `kept`.

        Args:
            kept: One boolean array per output, at least one of them not empty.
        """
        return [kept[0]]

    def plan(
        self,
        call: Call,
        inputs: list[Selection],
        outputs: list[Channels],
        kept: list[np.ndarray],
    ) -> Step:
        """What the smaller model does instead, to compute `kept`."""
        if self.commutes_with_scale(call):
            # Channels and pending factors pass through as they are.
            adapter = inputs[0].adapt_nothing()
            return Step({0: adapter}, [inputs[0].with_channels(outputs[0])])
        adapter = inputs[0].adapt(np.flatnonzero(kept[0]))
        return Step({0: adapter}, [Selection.of(outputs[0], kept[0])])

    def commutes_with_scale(self, call: Call) -> bool:
        """Whether `f(z * x) == z * f(x)` for each channel and z >= 0."""
        return False

    def scaled_weights(
        self, call: Call, factors: np.ndarray
    ) -> dict[str, np.ndarray] | None:
        """Weights with which the output is `factors` times itself.

        None if there are no such weights.
        """
        return None
