"""Logits that are generated along a chain of gate vectors (Dep-L0)."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from keras_l0.internal import keras_internals
from keras_l0.internal.api_export import keras_l0_export
from keras_l0.layers import step_context
from keras_l0.layers.gate_vector import GateVector

# 1 GiB of float32, and twice that once more for Adam's moments.
_MOST_LINKS = 2**28


@keras_l0_export
class GateChain(keras.layers.Layer):
    """Links the gate vectors of a dependent family, each to the one before.

    `keras_l0.L0Model` makes one of the model's dependent gate vectors, in the
    order of the layers. It holds the kernels; each vector's own `logits` are
    the bias of its link. To the bias an offset is added, which is 0 but for
    what `shortened` puts there.

    Args:
        vectors: Built `GateVector`s of one dependent family, in the order of
            the layers.
        **kwargs: As in `keras.layers.Layer`.

    Raises:
        ValueError: if there is no vector, a vector's family is not a
            dependent one, the families differ, two neighbors have so many
            gates that a kernel between them would have more than 2**28
            entries, or a vector is part of another chain.

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
        self.kernels, self.offsets = [], []
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
            self.offsets.append(
                self.add_weight(
                    name=f"offset_{number}",
                    shape=(vector.num_gates,),
                    dtype="float32",
                    autocast=False,
                    trainable=False,
                    initializer="zeros",
                )
            )
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
        for vector, kernel, offset in self._links():
            kernel = tf.convert_to_tensor(kernel)
            if previous is None:
                previous = tf.ones([kernel.shape[0]])
            bias = tf.convert_to_tensor(vector.logits) + offset
            previous = vector.gate.generate(previous, kernel, bias)
            generated.append(previous)
        return generated

    def _links(self):
        return zip(self._order(), self.kernels, self.offsets, strict=True)

    def shortened(
        self, vectors: list[tuple[GateVector, np.ndarray, GateVector]]
    ) -> tuple["GateChain", list[tuple]]:
        """A chain for the gates that a cut keeps; their logits stay the same.

        What the gates that are gone added to the logits of the others becomes
        a constant: it is trained no more.

        Args:
            vectors: `(gate vector, gates that are kept, its smaller copy)`,
                once for each vector of the chain; others are passed over.

        Returns:
            chain: The copies', with kernels still to be filled.
            origins: `(kernel, smaller kernel, flat indices into the first)`.

        Raises:
            ValueError: if a vector has no copy, or several.
        """
        order = self._order()
        cuts = {id(old): (kept, new) for old, kept, new in vectors}
        chained = [old for old, _, _ in vectors if old.gate.chained]
        if len(chained) != len(order) or {*map(id, order)} - {*cuts}:
            raise ValueError(
                "A chain of dependent gates can be cut where each of its gate "
                f"vectors has one smaller copy. Received: {len(chained)} "
                f"copies of {len(order)} vectors"
            )
        copies = [cuts[id(vector)][1] for vector in order]
        backward = order[0].gate.direction == "backward"
        chain = GateChain(copies[::-1] if backward else copies, name=self.name)
        chain.trainable = self.trainable
        rows = cuts[id(order[0])][0]
        reads, origins = np.ones(rows.size), []
        generated = self._generate()
        for place, (vector, kernel, offset) in enumerate(self._links()):
            columns, values = cuts[id(vector)][0], kernel.numpy()
            constant = offset.numpy() + reads[~rows] @ values[~rows]
            chain.offsets[place].assign(constant[columns])
            indices = np.arange(values.size).reshape(values.shape)
            indices = indices[np.ix_(rows, columns)]
            origins.append((kernel, chain.kernels[place], indices))
            rows, reads = columns, generated[place].numpy()
        return chain, origins


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
    for first, second in itertools.pairwise([vectors[0], *vectors]):
        if first.num_gates * second.num_gates > _MOST_LINKS:
            raise ValueError(
                "Dependent gates have a kernel from each gate to each of the "
                "next layer, at most 2**28 entries. Gate units rather than "
                f"single weights. Received: {first.num_gates} gates "
                f"('{first.name}') and {second.num_gates} ('{second.name}')"
            )
