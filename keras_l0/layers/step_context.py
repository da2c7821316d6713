"""What a training step of `L0Model` tells the gates of its layers."""

import dataclasses
import threading
from collections.abc import Callable

import tensorflow as tf

from keras_l0.internal import keras_internals

_local = threading.local()


@dataclasses.dataclass
class StepContext:
    """A pass through an `L0Model`; gates look for the innermost one.

    It is entered inside the traced step: what is entered around `fit` is not
    seen by the threads of a distribution strategy.

    Attributes:
        gates: `(id of the gate vector, whether one draw per example)` ->
            gates, float32 `[num_gates]` or `[batch, num_gates]`. A vector
            that is missing draws its own.
        loss_scale: What the loss is multiplied with for mixed precision.
        charges: Whether the model adds the penalties, and layers must not.
        builds: Whether the pass only builds the layers, so that dependent
            gates may do without the chain that is still to come.
    """

    gates: dict[tuple[int, bool], tf.Tensor] = dataclasses.field(
        default_factory=dict
    )
    loss_scale: tf.Tensor | float = 1.0
    charges: bool = False
    builds: bool = False
    _memo: dict[object, object] = dataclasses.field(default_factory=dict)

    def once(self, key: object, make: Callable[[], object]) -> object:
        """Result of `make()`, once in this context, per graph and `key`."""
        # A tensor of one graph is of no use in another.
        eager = tf.executing_eagerly()
        key = key, None if eager else tf.compat.v1.get_default_graph()
        if key not in self._memo:
            self._memo[key] = make()
        return self._memo[key]

    def __enter__(self):
        _local.__dict__.setdefault("stack", []).append(self)
        return self

    def __exit__(self, *exception):
        _local.stack.pop()


def current() -> StepContext | None:
    """The innermost context of this thread, if any."""
    stack = getattr(_local, "stack", None)
    return stack[-1] if stack else None


def once_per_pass(key: object, make: Callable[[], object]) -> object:
    """Result of `make()`, computed once per pass through the model and `key`.

    A pass through an `L0Model` is its context: its gates are drawn before the
    call of the model and its penalties computed after it. In a plain model a
    pass is the outermost call.
    """
    context = current()
    if context is None:
        return keras_internals.once_per_call(key, make)
    return context.once(key, make)
