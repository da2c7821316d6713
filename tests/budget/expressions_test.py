"""Tests of expressions of gates."""

import itertools

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.budget.expressions import Expressions
from tests import test_util

GATES = 4
PATTERNS = np.array(list(itertools.product([0, 1], repeat=GATES)), bool)


class Formulas:
    """Random formulas: an expression of each, and its truth table.

    The tables are made by NumPy's own `&` and `|` on all gate patterns.
    """

    def __init__(self, seed, steps, width=6):
        self.made = Expressions(GATES)
        rng = np.random.default_rng(seed)
        numbers = [0, 1, *self.made.gates(0, GATES)]
        tables = [~PATTERNS[:, 0] & PATTERNS[:, 0]]
        tables += [~tables[0], *PATTERNS.T]
        for _ in range(steps):
            a, b = rng.integers(len(numbers), size=(2, width))
            both = bool(rng.integers(2))
            combine = self.made.all_of if both else self.made.any_of
            new = combine(np.array(numbers)[a], np.array(numbers)[b])
            for number, x, y in zip(new, a, b, strict=True):
                table = tables[x] & tables[y] if both else tables[x] | tables[y]
                numbers.append(int(number))
                tables.append(table)
        self.numbers, self.tables = np.array(numbers), np.array(tables)


class ExpressionsTest(test_util.TestCase):
    @parameterized.parameters(*range(6))
    def test_truth_tables(self, seed):
        formulas = Formulas(seed, steps=12)
        for place, pattern in enumerate(PATTERNS):
            values = formulas.made.values(tf.constant(pattern, tf.float32))
            self.assertAllEqual(
                values.numpy()[formulas.numbers], formulas.tables[:, place]
            )

    @parameterized.parameters(*range(4))
    def test_expectation_where_gates_occur_once(self, seed):
        rng = np.random.default_rng(seed)
        made = Expressions(GATES)
        parts = [(int(g), PATTERNS[:, g - 2]) for g in made.gates(0, GATES)]
        while len(parts) > 1:
            order = rng.permutation(len(parts))
            (x, left), (y, right), *rest = [parts[i] for i in order]
            both = rng.random() < 0.5
            combine = made.all_of if both else made.any_of
            (number,) = combine(np.array([x]), np.array([y]))
            table = left & right if both else left | right
            parts = [*rest, (int(number), table)]
        ((number, table),) = parts
        chances = rng.uniform(0.1, 0.9, GATES)
        weights = np.where(PATTERNS, chances, 1 - chances).prod(1)
        value = made.values(tf.constant(chances))[number]
        # Four products and sums in float64.
        self.assertAllClose(value, weights[table].sum(), rtol=1e-14)

    def test_equal_expressions_have_one_number(self):
        made = Expressions(3)
        a, b = made.gates(0, 2)[:1], made.gates(1, 1)
        for combine in (made.all_of, made.any_of):
            self.assertAllEqual(combine(a, b), combine(b, a))
            self.assertAllEqual(combine(a, a), a)
            self.assertAllEqual(combine(a, combine(a, b)), combine(a, b))
            self.assertAllEqual(combine(combine(a, b), b), combine(a, b))

    def test_absorption(self):
        made = Expressions(2)
        a, b = made.gates(0, 1), made.gates(1, 1)
        for x, y in ((a, b), (b, a)):
            self.assertAllEqual(made.all_of(x, made.any_of(x, y)), x)
            self.assertAllEqual(made.any_of(made.all_of(x, y), x), x)

    def test_constants(self):
        made = Expressions(2)
        gates = made.gates(0, 2)
        true, false = np.full(2, made.TRUE), np.full(2, made.FALSE)
        self.assertAllEqual(made.all_of(gates, true), gates)
        self.assertAllEqual(made.all_of(false, gates), false)
        self.assertAllEqual(made.any_of(gates, true), true)
        self.assertAllEqual(made.any_of(false, gates), gates)

    def test_values_have_the_type_and_the_gradient_of_the_gates(self):
        made = Expressions(2)
        (both,) = made.all_of(made.gates(0, 1), made.gates(1, 1))
        (either,) = made.any_of(made.gates(0, 1), made.gates(1, 1))
        gates = tf.constant([0.25, 0.5], tf.float64)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(gates)
            values = made.values(gates)
            both, either = values[both], values[either]
        self.assertEqual(values.dtype, tf.float64)
        self.assertAllClose(
            tf.convert_to_tensor(tape.gradient(both, gates)), [0.5, 0.25]
        )
        self.assertAllClose(
            tf.convert_to_tensor(tape.gradient(either, gates)), [0.5, 0.75]
        )


if __name__ == "__main__":
    absltest.main()
