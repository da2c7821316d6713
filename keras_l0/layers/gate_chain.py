"""Logits that are generated along a chain of gate vectors (Dep-L0)."""

import keras
import tensorflow as tf

from keras_l0.internal import keras_internals
from keras_l0.internal.api_export import keras_l0_export
from keras_l0.layers import step_context
from keras_l0.layers.gate_vector import GateVector


@keras_l0_export
class GateChain(keras.layers.Layer):
    """Links the gate vectors of a dependent family, each to the one before.

    `keras_l0.L0Model` makes one of the model's dependent gate vectors, in the
    order of the layers. It holds the kernels; each vector's own `logits` are
    the bias of its link.

    Args:
        vectors: Built `GateVector`s of one dependent family, in the order of
            the layers.
        **kwargs: As in `keras.layers.Layer`.

    Raises:
        ValueError: if there is no vector, a vector's family is not a
            dependent one, the families differ, or a vector is part of another
            chain.

    Example:

    >>> first, second = (keras_l0.GateVector("dependent") for _ in range(2))
    >>> first.build((3,))
    >>> second.build((2,))
    >>> from keras_l0.layers.gate_chain import GateChain
    >>> chain = GateChain([first, second])
    >>> [tuple(kernel.shape) for kernel in chain.kernels]
    [(3, 3), (3, 2)]

    Reference:
        [Li & Ji, 2021](https://arxiv.org/abs/2104.07302).
    """

    def __init__(self, vectors: list[GateVector], **kwargs):
        super().__init__(**kwargs)
        _check(vectors)
        gate = vectors[0].gate
        order = list(vectors)
        if gate.direction == "backward":
            order.reverse()
        # In a function, where Keras does not look: it would track and save
        # the vectors, which belong to the layers, once more.
        self._order = lambda: order
        self.kernels = []
        previous = order[0].num_gates
        for number, vector in enumerate(order):
            self.kernels.append(
                self.add_weight(
                    name=f"kernel_{number}",
                    shape=(previous, vector.num_gates),
                    dtype="float32",
                    autocast=False,
                    initializer=gate.kernel_initializer(),
                )
            )
            keras_internals.mark(self.kernels[-1])
            previous = vector.num_gates
        self.built = True
        for vector in order:
            vector.join(self.logits, self.previous)

    def logits(self, vector: GateVector) -> tf.Tensor:
        """Generated logits of one of the vectors, float32 `[num_gates]`."""
        logits = step_context.once_per_pass(("chain", id(self)), self._generate)
        return logits[self._place(vector)]

    def previous(self, vector: GateVector) -> GateVector | None:
        """The gate vector that feeds the layers of `vector`, if any.

        It is the one before `vector` in the order of the layers, in either
        direction of the chain.
        """
        backward = self._order()[0].gate.direction == "backward"
        place = self._place(vector) + (1 if backward else -1)
        inside = 0 <= place < len(self._order())
        return self._order()[place] if inside else None

    def _place(self, vector):
        return next(i for i, v in enumerate(self._order()) if v is vector)

    def _generate(self):
        previous, generated = None, []
        for vector, kernel in zip(self._order(), self.kernels, strict=True):
            kernel = tf.convert_to_tensor(kernel)
            if previous is None:
                previous = tf.ones([kernel.shape[0]])
            previous = vector.gate.generate(
                previous, kernel, tf.convert_to_tensor(vector.logits)
            )
            generated.append(previous)
        return generated


def _check(vectors):
    if not vectors:
        raise ValueError("`vectors` must not be empty. Received: vectors=[]")
    config = vectors[0].gate.get_config()
    for vector in vectors:
        if not vector.gate.chained:
            raise ValueError(
                f"The gates of '{vector.name}' do not depend on others. "
                f"Received: gate={type(vector.gate).__name__}"
            )
        if vector.gate.get_config() != config:
            raise ValueError(
                "All dependent gates of a model must be of one family. "
                f"Received: {config} and {vector.gate.get_config()}"
            )
