"""Tests of the rules of sums, products and other arithmetic."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.strip import strip_gates
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.rules.rule_test_case import held

KNOWN = (
    {},
    {0: 0.7, 2: -0.4},
    {0: 0.3, 1: 1.2, 2: 0.0, 3: -0.5},
)
LAYERS = (
    layers.Add,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Multiply,
    layers.Subtract,
)
GATES = [0, 1, 0.5, 0]
ONE = np.ones((1, 1))


class AddRuleTest(RuleTestCase):
    @parameterized.product(first=KNOWN, second=KNOWN)
    def test_two_branches(self, first, second):
        shape = (3, 4)
        self.check(
            layers.Add(), self.probe(shape, first), self.probe(shape, second)
        )

    def test_three_branches(self):
        self.check(layers.Add(), *(self.probe((4,), known) for known in KNOWN))

    def test_other_axis(self):
        probes = [self.probe((4, 4), known, axis=1) for known in KNOWN[1:]]
        self.check(layers.Add(), *probes)

    def plan(self, channels, selections, kept=None):
        call = self.call(layers.Add(), *[(c.size,) for c in channels])
        rule = find_rule(call.layer)
        (output,) = rule.forward(call, channels)
        kept = np.ones(output.size, bool) if kept is None else np.array(kept)
        return rule.plan(call, selections, [output], [kept])

    def test_constant_branch_disappears(self):
        live, live_selection = held([False, False])
        constant, gone = held([True, True], [0.5, 0.0])
        step = self.plan([constant, live], [gone, live_selection])
        self.assertEqual(list(step.adapters), [1])
        self.assertIsNone(step.config)  # nothing is left to add
        self.assertAllEqual(step.adapters[1].shift, [0.5, 0.0])
        self.assertEqual(step.folded, 1)

    def test_union_of_what_the_branches_keep(self):
        first, first_selection = held([False, True, True])
        second, second_selection = held([True, True, False], [3.0, 0.0, 0.0])
        call = self.call(layers.Add(), (3,), (3,))
        (output,) = find_rule(call.layer).forward(call, [first, second])
        self.assertAllEqual(output.known, [False, True, False])
        step = self.plan(
            [first, second],
            [first_selection, second_selection],
            [True, False, True],
        )
        self.assertEqual(step.selections[0].width, 2)
        self.assertAllEqual(step.adapters[0].positions, [0, -1])
        self.assertAllEqual(step.adapters[1].positions, [-1, 0])
        self.assertAllEqual(step.adapters[1].shift, [3.0, 0.0])

    def test_sum_of_constants_only_is_carried_by_what_is_there(self):
        # Somebody else needs channel 0 of the first branch; the sum is needed
        # for its constant only.
        first, first_selection = held([False, True], [0.0, 0.25])
        second, gone = held([True, True], [0.0, 0.5])
        step = self.plan(
            [first, second], [first_selection, gone], [False, True]
        )
        self.assertEqual(list(step.adapters), [0])
        self.assertAllEqual(step.adapters[0].shift, [0.75])

    def test_ranks_that_differ_are_a_barrier(self):
        self.assertEqual(
            self.barrier(layers.Add(), (3, 4), (4,)), Barrier.BROADCASTING
        )


class MergingLayersTest(RuleTestCase):
    @parameterized.product(layer=LAYERS, first=KNOWN, second=KNOWN)
    def test_two_branches(self, layer, first, second):
        shape = (3, 4)
        self.check(layer(), self.probe(shape, first), self.probe(shape, second))

    @parameterized.product(layer=LAYERS, first=KNOWN, second=KNOWN)
    def test_branch_that_broadcasts_over_positions(self, layer, first, second):
        self.check(
            layer(), self.probe((3, 4), first), self.probe((1, 4), second)
        )

    @parameterized.product(layer=LAYERS, known=({}, {0: 0.7}, {0: 0.0}))
    def test_branch_of_one_channel(self, layer, known):
        wide, one = self.probe((3, 4), KNOWN[1]), self.probe((3, 1), known)
        self.check(layer(), wide, one)
        self.check(layer(), one, wide)

    def test_three_branches(self):
        for layer in LAYERS[:-1]:
            self.check(layer(), *(self.probe((4,), known) for known in KNOWN))

    def test_product_with_zero_is_zero(self):
        output = self.check(
            layers.Multiply(),
            self.probe((3, 4), {1: 0.0, 2: 3.0}),
            self.probe((3, 4), {3: 0.0}),
        )
        self.assertAllEqual(output.known, [False, True, False, True])

    def test_constant_factor_disappears(self):
        live, live_selection = held([False, False])
        constant, gone = held([True, True], [0.5, -2.0])
        call = self.call(layers.Multiply(), (2,), (2,))
        rule = find_rule(call.layer)
        (output,) = rule.forward(call, [constant, live])
        kept = np.ones(2, bool)
        step = rule.plan(call, [gone, live_selection], [output], [kept])
        self.assertEqual(list(step.adapters), [1])
        self.assertIsNone(step.config)
        self.assertAllEqual(step.adapters[1].scale, [0.5, -2.0])


class WholeModelTest(RuleTestCase):
    """Operations of `keras.ops`, and what stands around them."""

    def gated(self, x, activation="softplus", gates=tuple(GATES)):
        dense = layers.Dense(4, activation=activation)
        return self.gate(dense, list(gates))(x)

    def strips(self, function, smaller=True, shape=(3, 5)):
        x = keras.Input(shape)
        y = function(self.gated(x), x)
        outputs = layers.Dense(2)(y)
        small, report = self.strip(self.finish(x, outputs))
        if smaller:
            self.assertEmpty(report.barriers)
            self.assertLess(report.params_after, report.params_before)
        return small

    @parameterized.named_parameters(
        ("add_number", lambda y: y + 1.5),
        ("add_array", lambda y: y + np.array([1.0, 2.0, 0.0, -3.0])),
        ("array_first", lambda y: ops.subtract([[1.0], [2], [3]] @ ONE, y)),
        ("keywords", lambda y: ops.multiply(x1=y, x2=2.0)),
        ("array_of_rows", lambda y: y * np.array([[1.0], [2], [3]])),
        ("array_of_all", lambda y: y * np.arange(12.0).reshape(1, 3, 4)),
        ("divide", lambda y: y / 3.0),
        ("divide_by", lambda y: 1.0 / (y + 1.0)),
        ("power", lambda y: y**2),
        ("exponent", lambda y: 2.0**y),
        ("maximum", lambda y: ops.maximum(y, 0.3)),
        ("minimum", lambda y: ops.minimum(0.3, y)),
        ("twice", lambda y: y + y),
        ("with_rows", lambda y: y - ops.sum(y, axis=1, keepdims=True)),
    )
    def test_operation(self, function):
        self.strips(lambda y, x: function(y))

    def test_two_gated_tensors(self):
        for name in ("add", "subtract", "multiply", "maximum", "minimum"):
            operation = getattr(ops, name)
            self.strips(
                lambda y, x, operation=operation: operation(
                    y, self.gated(x, gates=[0, 0.3, 1, 1])
                )
            )

    @parameterized.parameters("relu", "sigmoid", "hard_sigmoid")
    def test_squeeze_and_excite(self, activation):
        x = keras.Input((6, 6, 3))
        gates = [0, 1, 0.5, 0, 1]
        y = self.gate(layers.Conv2D(5, 3, activation="relu"), gates)(x)
        s = layers.GlobalAveragePooling2D(keepdims=True)(y)
        s = self.gate(layers.Conv2D(4, 1, activation="relu"), GATES)(s)
        s = layers.Conv2D(5, 1, activation=activation)(s)
        y = layers.Multiply()([y, s])
        small, report = self.strip(
            self.finish(x, layers.Conv2D(2, 3, padding="same")(y))
        )
        self.assertEmpty(report.barriers)
        convolutions = [la for la in small.layers if la.weights]
        self.assertEqual([c.filters for c in convolutions], [3, 2, 3, 2])

    def test_gates_after_the_product(self):
        x = keras.Input((6, 6, 3))
        y = layers.Conv2D(4, 3)(x)
        s = layers.GlobalAveragePooling2D(keepdims=True)(x)
        s = layers.Conv2D(4, 1, activation="sigmoid")(s)
        y = self.gate(layers.Multiply(), GATES)([y, s])
        y = layers.Conv2D(2, 3)(y)
        small, _ = self.strip(self.finish(x, y))
        convolutions = [la for la in small.layers if la.weights]
        self.assertEqual([c.filters for c in convolutions], [2, 2, 2])

    def test_size_that_is_not_known(self):
        x, mask = keras.Input((None, 3)), keras.Input((None, None))
        y = self.gated(x) * mask  # may have one channel, or four
        model = self.finish([x, mask], layers.Dense(2)(y))
        small = strip_gates(model)
        for size in (1, 4):
            data = [self.rng.normal(size=(2, 5, n)) for n in (3, size)]
            self.assert_same_function(model, small, data)

    def test_constant_minuend_stays(self):
        x = keras.Input((3,))
        closed = self.gated(x, gates=[0, 0, 0, 0])
        closed = layers.BatchNormalization()(closed)
        y = layers.Subtract()([closed, layers.Dense(4)(x)])
        self.strip(self.finish(x, layers.Dense(2, activation="tanh")(y)))


if __name__ == "__main__":
    absltest.main()
