"""The cost of a gated network as a polynomial in the widths of its tensors.

Every weight has as many entries as the product of its axes, and an axis that
follows channels has as many as channels are there. So the number of weights,
and that of multiplications, is a sum of products of widths; a width is the sum
of what `Survival` says of each channel.
"""

import collections
import functools
import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_l0.budget.expressions import Expressions
from keras_l0.budget.survival import Survival
from keras_l0.cost.count import count_graph
from keras_l0.cost.count import item_size
from keras_l0.cost.count import operation_macs
from keras_l0.cost.registry import weight_axes
from keras_l0.graph import Graph
from keras_l0.graph import named_weights
from keras_l0.graph import read_graph
from keras_l0.layers import GateVector
from keras_l0.layers import L0Gate
from keras_l0.layers import gate_layers
from keras_l0.layers import gate_vectors
from keras_l0.surgery.alignment import align

_FACTORS = 3  # axes of one term, at most


class ExpectedCost(NamedTuple):
    """Expected size of a network once it is stripped.

    Attributes:
        params: Floating-point scalar, number of weights.
        macs: Floating-point scalar, multiply-accumulates for one example.
        bytes: Floating-point scalar, size of the weights.

    Example:

    >>> keras_l0.budget.ExpectedCost(10.0, 8.0, 40.0).macs
    8.0
    """

    params: tf.Tensor
    macs: tf.Tensor
    bytes: tf.Tensor


KINDS = ExpectedCost._fields


class CostModel:
    """The cost of a gated model as a function of its gates.

    A polynomial in the gates, made once for a graph of layers. It may be
    evaluated inside of `tf.function`. Layers that mix channels count as having
    a live input and a reader, and weights as being other than 0:
    `keras_l0.expected_cost` adds what that leaves out.

    Args:
        model: A built Functional or Sequential model with gates.

    Attributes:
        vectors: The gate vectors.
        dense: The `keras_l0.cost.Cost` of the network without gates.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model has no graph, is not built or has no gates.

    Example:

    >>> model = keras.Sequential(
    ...     [
    ...         keras.Input((4,)),
    ...         keras_l0.L0Gate(keras.layers.Dense(2)),
    ...         keras.layers.Dense(1),
    ...     ]
    ... )
    >>> cost_model = keras_l0.budget.CostModel(model)
    >>> float(cost_model(tf.constant([1.0, 0.5])).params)  # 1.5 * 5 + 2.5
    10.0
    """

    def __init__(self, model: keras.Model):
        graph = read_graph(model)
        if not graph.gates:
            raise ValueError(
                f"Model '{model.name}' has no gates. Wrap layers with "
                "`keras_l0.L0Gate`, or use `keras_l0.add_gates`."
            )
        self.dense = count_graph(graph)
        self.vectors: list[GateVector] = list(gate_vectors(model).values())
        sizes = [vector.num_gates for vector in self.vectors]
        starts = np.cumsum([0, *sizes])
        self._starts = {
            id(v): int(s) for v, s in zip(self.vectors, starts, strict=False)
        }
        self._expressions = Expressions(int(starts[-1]))
        self._axes: dict[bytes, int] = {}  # the expressions of an axis
        self._terms = {kind: collections.Counter() for kind in KINDS}
        self._read(graph, gate_layers(model))

    def __call__(self, gates: tf.Tensor) -> ExpectedCost:
        """Cost, given the gates of all vectors in turn.

        Args:
            gates: Floating-point tensor `[gates]`: 1 for open, 0 for closed,
                or the probability of being open.

        Returns:
            cost: An `ExpectedCost` of scalars of that type.
        """
        values = self._expressions.values(gates)
        entries, axes, sizes = self._widths
        widths = tf.math.unsorted_segment_sum(
            tf.gather(values, entries), axes, len(sizes)
        )
        widths = widths / tf.constant(sizes, widths.dtype)
        # One more, which a term with fewer axes is multiplied with.
        widths = tf.concat([widths, tf.ones([1], widths.dtype)], 0)
        return ExpectedCost(
            *[_evaluate(self._polynomials[kind], widths) for kind in KINDS]
        )

    def expected_gates(self) -> tf.Tensor:
        """Probability that each gate is open, float32 `[gates]`.

        What the family's penalty charges for, where that is not the same.
        Gates that do not train are open or not.
        """
        return tf.concat(
            [
                v.expected_l0()
                if v.trainable
                else tf.cast(v.deterministic_gate() != 0, tf.float32)
                for v in self.vectors
            ],
            0,
        )

    def recount(self, model: keras.Model) -> None:
        """Becomes the cost of a model that has lost units; `dense` stays.

        Args:
            model: The model, which is smaller now.
        """
        vars(self).update({**vars(CostModel(model)), "dense": self.dense})

    def open_gates(self) -> tf.Tensor:
        """Which gates are open in inference, boolean `[gates]`."""
        gates = [vector.deterministic_gate() for vector in self.vectors]
        return tf.concat(gates, 0) != 0

    def _read(self, graph: Graph, wrappers: list[L0Gate]):
        """Writes the polynomials down, one call after the other."""
        aligned = align(graph)
        survival = Survival(aligned, self._expressions, self._starts)
        heads = {
            id(wrapper.layer): self._gates_of(wrapper.gate_vector)
            for wrapper in wrappers
            if wrapper.on == "heads"
        }
        for index, call in enumerate(aligned.calls):
            group = aligned.sharing.group(index)
            axes = self._axes_of([survival.of_call(i) for i in group])
            if id(call.layer) in heads:
                axes["h"] = self._axis(heads[id(call.layer)])
            macs = operation_macs(
                call.layer, call.input_shapes, call.output_shapes
            )
            for letters, number in (macs or {}).items():
                self._add("macs", number, letters, axes)
            if index == group[0]:
                self._add_weights(call.layer, axes)
        self._finish()

    def _gates_of(self, vector):
        return self._expressions.gates(
            self._starts[id(vector)], vector.num_gates
        )

    def _axes_of(self, calls):
        """Letter -> axis; layers that are shared have what any call needs."""
        tensors = {
            "i": [call.inputs[:1] for call in calls],
            "v": [call.inputs[1:2] for call in calls],
            "o": [call.outputs[:1] for call in calls],
        }
        return {
            letter: self._axis(
                functools.reduce(self._expressions.any_of, sum(parts, []))
            )
            for letter, parts in tensors.items()
            if parts[0]
        }

    def _axis(self, expressions):
        """Number of the axis along which these channels lie."""
        key = np.sort(expressions).tobytes()
        return self._axes.setdefault(key, len(self._axes))

    def _add_weights(self, layer, axes):
        known = weight_axes(layer)
        for name, variable in named_weights(layer).items():
            kind = name.partition(":")[0]
            keys = [key for key in (name, kind, "*") if key in known]
            letters = known[keys[0]] if keys else ""
            size = math.prod(variable.shape)
            self._add("params", size, letters, axes)
            self._add("bytes", size * item_size(variable), letters, axes)

    def _add(self, kind, number, letters, axes):
        term = sorted(axes[letter] for letter in letters if letter in axes)
        self._terms[kind][tuple(term)] += number

    def _finish(self):
        """The widths and polynomials as arrays."""
        entries, axes, sizes = [], [], []
        for number, key in enumerate(self._axes):
            expressions = np.frombuffer(key, int)
            entries.append(expressions)
            axes.append(np.full(expressions.size, number))
            sizes.append(expressions.size)
        self._widths = np.concatenate(entries), np.concatenate(axes), sizes
        self._polynomials = {
            kind: _arrays(terms, len(sizes))
            for kind, terms in self._terms.items()
        }


def _evaluate(polynomial, widths):
    numbers, factors = polynomial
    terms = tf.constant(numbers, widths.dtype)
    for factor in factors:
        terms *= tf.gather(widths, factor)
    return tf.reduce_sum(terms)


def _arrays(terms, one):
    """Numbers of the terms, and their axes; `one` stands for no axis."""
    padded = [(*axes, *[one] * (_FACTORS - len(axes))) for axes in terms]
    numbers = np.array(list(terms.values()), "float64")
    return numbers, np.array(padded, int).reshape(-1, _FACTORS).T
