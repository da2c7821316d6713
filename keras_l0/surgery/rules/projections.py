"""The weights of an attention layer, and what of them matters."""

import dataclasses

import numpy as np

from keras_l0.surgery.channels import Channels
from keras_l0.surgery.rule import Call


@dataclasses.dataclass
class Projections:
    """Kernels and biases of an attention layer, float64.

    Query heads come in g groups of r; a group shares one key and value head.
    Of a multi-head layer every head is a group of its own.

    Attributes:
        query: `[inputs, g, r, k]`; its bias `[g, r, k]`.
        key: `[inputs, g, k]`; its bias `[g, k]`, which softmax does not see.
        value: `[inputs, g, v]`; its bias `[g, v]`.
        output: `[g, r, v, outputs]`; its bias `[outputs]`.
    """

    query: np.ndarray
    query_bias: np.ndarray
    key: np.ndarray
    key_bias: np.ndarray
    value: np.ndarray
    value_bias: np.ndarray
    output: np.ndarray
    output_bias: np.ndarray

    @classmethod
    def of(cls, call: Call) -> "Projections":
        """The projections of a call, with biases of 0 where there are none."""
        values = [w.astype("float64") for w in call.weights.values()]
        kernels, biases = values, [None] * 4
        if len(values) == 8:
            kernels, biases = values[::2], values[1::2]
        query, key, value, output = kernels
        groups = key.shape[1]
        query = query.reshape(len(query), groups, -1, query.shape[2])
        output = output.reshape(groups, -1, *output.shape[1:])

        def bias(i, shape):
            return np.zeros(shape) if biases[i] is None else biases[i]

        return cls(
            query,
            bias(0, query.shape[1:]).reshape(query.shape[1:]),
            key,
            bias(1, key.shape[1:]),
            value,
            bias(2, value.shape[1:]),
            output,
            bias(3, output.shape[3:]),
        )

    def fold(self, query: Channels, key: Channels, value: Channels) -> None:
        """Moves what is constant from the kernels into the biases.

        What constants add to all keys alike, softmax does not see. Of a value
        that is the same at all positions, attention gives back that value.
        """
        self.query_bias += _constant(self.query, query)
        self.value_bias += _constant(self.value, value)
        self.query = _without(self.query, query.known)
        self.key = _without(self.key, key.known)
        self.value = _without(self.value, value.known)
        fixed = ~(self.value != 0).any(axis=0)
        self.output_bias += np.einsum(
            "gv,grvo->o", np.where(fixed, self.value_bias, 0), self.output
        )
        self.value_bias = np.where(fixed, 0, self.value_bias)
        self.output = np.where(fixed[:, None, :, None], 0, self.output)

    @property
    def has_bias(self) -> bool:
        """Whether a bias is other than 0."""
        biases = self.query_bias, self.value_bias, self.output_bias
        return any(bias.any() for bias in biases)

    def named(self, use_bias: bool) -> dict[str, np.ndarray]:
        """The weights under the names that they have in a layer."""
        heads = (-1, self.query.shape[3])
        kernels = [
            self.query.reshape(len(self.query), *heads),
            self.key,
            self.value,
            self.output.reshape(-1, *self.output.shape[2:]),
        ]
        if not use_bias:
            return {f"kernel:{i}": kernel for i, kernel in enumerate(kernels)}
        biases = [
            self.query_bias.reshape(heads),
            self.key_bias,
            self.value_bias,
            self.output_bias,
        ]
        weights = {}
        for i, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            weights |= {f"kernel:{2 * i}": kernel, f"bias:{2 * i + 1}": bias}
        return weights

    def live_values(self, kept: np.ndarray) -> np.ndarray:
        """Boolean `[g, r, v]`: entries that an output channel depends on."""
        return (self.output[..., kept] != 0).any(axis=-1)

    def live_keys(self, heads: np.ndarray) -> np.ndarray:
        """Boolean `[g, k]`: entries on which scores of `heads` depend."""
        asked = (self.query != 0).any(axis=0) | (self.query_bias != 0)
        asked = (asked & heads[..., None]).any(axis=1)
        return asked & (self.key != 0).any(axis=0)


def _constant(kernel, x):
    value = np.where(x.known, x.value, 0)
    return np.tensordot(value, kernel, axes=1)


def _without(kernel, known):
    return np.where(known.reshape(-1, *[1] * (kernel.ndim - 1)), 0, kernel)
