"""Boolean expressions of gates, each distinct one kept once."""

import numpy as np
import tensorflow as tf

_AND, _OR = 0, 1


class Expressions:
    """Numbers the expressions "all of a and b" and "any of a or b" of gates.

    Expression 0 is false, 1 is true, and the gates come next. Equal ones have
    one number: what is tied, or asked twice, counts once. In place of truth
    values gates may have probabilities. Those of different gates count as
    independent; at 0 and 1 the value is that of the Boolean expression.

    Args:
        num_gates: Number of gates.
    """

    FALSE, TRUE = 0, 1
    FIRST_GATE = 2

    def __init__(self, num_gates: int):
        self._count = self.FIRST_GATE + num_gates
        self._made: dict[tuple[int, int, int], int] = {}
        self._parts: dict[int, tuple[int, int, int]] = {}

    def gates(self, start: int, count: int) -> np.ndarray:
        """Expressions of the gates `start` to `start + count`."""
        return self.FIRST_GATE + start + np.arange(count)

    def all_of(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """`a[i] and b[i]`, integers `[n]`."""
        return self._combine(_AND, a, b)

    def any_of(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """`a[i] or b[i]`, integers `[n]`."""
        return self._combine(_OR, a, b)

    def _combine(self, kind, a, b):
        pairs = np.stack([np.minimum(a, b), np.maximum(a, b)], axis=1)
        distinct, place = np.unique(pairs, axis=0, return_inverse=True)
        made = [self._pair(kind, int(x), int(y)) for x, y in distinct]
        return np.array(made, int)[np.reshape(place, -1)]

    def _pair(self, kind, x, y):
        """The expression of two, simplified; x <= y."""
        neutral = self.TRUE if kind == _AND else self.FALSE
        if x in (self.FALSE, self.TRUE):
            return y if x == neutral else x
        if x == y or self._has_part(y, x):
            # y is "x and ..." or "x or ...": one of the two says it all.
            return y if x == y or self._parts[y][0] == kind else x
        key = kind, x, y
        if key not in self._made:
            self._made[key] = self._count
            self._parts[self._count] = key
            self._count += 1
        return self._made[key]

    def _has_part(self, whole, part):
        return part in self._parts.get(whole, (None,))[1:]

    def values(self, gates: tf.Tensor) -> tf.Tensor:
        """Values of all expressions, given those of the gates.

        Args:
            gates: `[num_gates]`, truth values as 0 and 1, or probabilities.

        Returns:
            values: `[expressions]`, of the same dtype.
        """
        known = tf.concat([tf.constant([0, 1], gates.dtype), gates], 0)
        levels, places = self._levels()
        for is_and, left, right in levels:
            a, b = tf.gather(known, left), tf.gather(known, right)
            made = tf.where(is_and, a * b, a + b - a * b)
            known = tf.concat([known, made], 0)
        return tf.gather(known, places)

    def _levels(self):
        """Expressions in batches, each of parts that come before it.

        Returns:
            levels: For each batch which are conjunctions, and the places of
                the first and of the second parts.
            places: The place of each expression, by its number.
        """
        depth = np.zeros(self._count, int)
        for number, (_, x, y) in self._parts.items():
            depth[number] = 1 + max(depth[x], depth[y])
        order = np.argsort(depth, kind="stable")
        places = np.empty_like(order)
        places[order] = np.arange(order.size)
        levels = []
        for level in range(1, depth.max(initial=0) + 1):
            numbers = order[depth[order] == level]
            parts = np.array([self._parts[n] for n in numbers])
            left, right = places[parts[:, 1]], places[parts[:, 2]]
            levels.append((parts[:, 0] == _AND, left, right))
        return levels, places
