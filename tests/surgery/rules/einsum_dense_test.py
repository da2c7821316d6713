"""Tests of the rule of EinsumDense against Keras' own layer."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rules.einsum_dense import is_stray
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KNOWN = {0: 0.7, 2: 0.0, 3: -1.2}
ALL = {i: 0.1 * i - 0.2 for i in range(5)}
GATES = [0, 0.4, 1, 0, 0.7]

# equation, output shape, bias axes, input shape, followed axis
CASES = (
    ("ab,bc->ac", 4, "c", (5,), 1),
    ("...x,xy->...y", 4, "y", (5,), 1),
    ("...x,xy->...y", (4,), "y", (3, 2, 5), 3),
    ("abc,cd->abd", (None, 4), "d", (3, 5), 2),
    ("abc,cd->abd", (3, 4), "bd", (3, 5), 2),
    ("abc,cd->abd", (3, 4), "b", (3, 5), 2),
    ("abc,cde->abde", (None, 2, 4), "de", (3, 5), 2),
    ("abc,cde->abde", (None, 2, 4), "e", (3, 5), 2),
    ("abc,cde->abde", (None, 2, 4), "d", (3, 5), 2),
    ("abc,cde->abde", (None, 2, 4), None, (3, 5), 2),
    ("abcd,cde->abe", (None, 4), "e", (3, 2, 5), 3),
    ("abcd,cde->abe", (None, 4), "e", (3, 5, 2), 2),
    ("ab...,bc->ac...", 4, "c", (5, 3, 2), 1),
    ("abc,bd->adc", (4, 3), "d", (5, 3), 1),
    ("abhd,hde->abhe", (3, 2, 4), "he", (3, 2, 5), 3),
    ("abhd,hde->abhe", (3, 2, 4), None, (3, 2, 5), 3),
)


def _named():
    return [
        (f"{i}_{case[0].translate({44: 95, 45: 95, 62: 95})}", *case)
        for i, case in enumerate(CASES)
    ]


class EinsumDenseRuleTest(RuleTestCase):
    def layer(self, case, activation=None):
        equation, shape, bias, *_ = case
        return layers.EinsumDense(equation, shape, activation, bias_axes=bias)

    @parameterized.named_parameters(*_named())
    def test_einsum_dense(self, *case):
        shape, axis = case[3:]
        needed = [[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0]]
        needed = [np.array(flags, bool) for flags in needed]
        for known, activation in (
            ({}, "relu"),
            (KNOWN, "sigmoid"),
            (ALL, "tanh"),
        ):
            layer = self.layer(case, activation)
            self.check(layer, self.probe(shape, known, axis), needed=needed)

    def test_softmax_couples_the_channels(self):
        layer = self.layer(CASES[3], "softmax")
        output = self.check(layer, self.probe((3, 5), KNOWN))
        self.assertFalse(output.divisible)

    def test_constants_that_differ_by_head_are_not_known(self):
        layer = layers.EinsumDense("abc,cde->abde", (None, 2, 3))
        output = self.check(layer, self.probe((4, 2), {0: 0.5, 1: 1.0}))
        self.assertFalse(output.known.any())
        layer = layers.EinsumDense("abc,ce->abe", (None, 3))
        output = self.check(layer, self.probe((4, 2), {0: 0.5, 1: 1.0}))
        self.assertTrue(output.known.all())

    def test_followed_axes(self):
        for equation, output_shape, shape, given, followed, made in (
            ("abcd,cde->abe", (None, 4), (3, 2, 5), 2, 2, 2),
            ("abcd,cde->abe", (None, 4), (3, 2, 5), 1, 3, 2),
            ("abcd,cde->abe", (None, 4), (3, 2, 5), None, 3, 2),
            ("abc,cde->abde", (None, 2, 4), (3, 5), 2, 2, 3),
            ("ab...,bc->ac...", 4, (5, 3), 2, 1, 1),
            ("...a,ab->...b", 4, (3, 2, 5), 3, 3, 3),
        ):
            layer = layers.EinsumDense(equation, output_shape)
            call, rule = self.call(layer, shape), find_rule(layer)
            self.assertEqual(rule.input_axes(call, [given]), [followed])
            self.assertEqual(rule.output_axes(call, [followed]), [made])

    def test_bias_that_keras_would_add_elsewhere(self):
        # With three channels left the bias of heads, of shape (3, 1), would
        # count as one of channels.
        layer = layers.EinsumDense("abc,cde->abde", (None, 3, 5), bias_axes="d")
        needed = [np.arange(5) < 3]
        self.check(layer, self.probe((2, 4), KNOWN), needed=needed)
        # With one left a bias of shape (3, 1) would count as one of steps.
        layer = layers.EinsumDense(
            "abc,cde->abde", (None, 3, 5), bias_axes="de"
        )
        needed = [np.arange(5) < 1]
        self.check(layer, self.probe((3, 4), KNOWN), needed=needed)
        layer = layers.EinsumDense("ab...,bc->ac...", 5, bias_axes="c")
        needed = [np.arange(5) < 3, np.arange(5) < 4]
        self.check(layer, self.probe((4, 4, 3), {}, axis=1), needed=needed)

    @parameterized.parameters(
        ((1, 1, 4), (2, 3, 4), False),
        ((1, 3, 1), (2, 3, 4), False),
        ((1, 4, 1), (2, 4, 4), True),
        ((1, 1, 3, 1), (2, 3, 3, 5), True),
        ((1, 1, 3, 1), (2, 4, 3, 5), False),
        ((1, 1, 3, 5), (2, 3, 3, 5), False),
        ((1, 1, 1), (2, 3, 1), False),
    )
    def test_is_stray_says_what_keras_does(self, bias, output, expected):
        self.assertEqual(is_stray(bias, output), expected)
        values = self.rng.normal(size=bias)
        added = keras.ops.add(np.zeros(output), values)
        same = np.array_equal(added, np.broadcast_to(values, output))
        self.assertEqual(same, not expected)

    @parameterized.named_parameters(*_named())
    def test_scaled_weights_scale_the_output(self, *case):
        layer = self.layer(case, "relu")
        shape, axis = case[3:]
        call, x = self.call(layer, shape), self.probe(shape, {}, axis).arrays
        rule = find_rule(layer)
        (place,) = rule.output_axes(call, [axis])
        factors = np.array([0.0, 0.3, 1.0, 0.5])
        weights = rule.scaled_weights(call, factors)
        if case in (CASES[5], CASES[8]):  # their bias lacks the axis
            self.assertIsNone(weights)
            return
        along = [1] * len(call.output_shapes[0])
        along[place] = -1
        expected = self.run_layer(layer, x[:1]) * factors.reshape(along)
        layer.kernel.assign(weights["kernel"])
        if layer.bias is not None:
            layer.bias.assign(weights["bias"])
        self.assertAllClose(
            self.run_layer(layer, x[:1]), expected, rtol=1e-12, atol=1e-12
        )

    def test_no_scaled_weights_where_the_activation_bends(self):
        layer = self.layer(CASES[0], "gelu")
        call = self.call(layer, (5,))
        self.assertIsNone(find_rule(layer).scaled_weights(call, np.ones(4)))

    @parameterized.parameters(
        ("abz,bc->abcz", (5, 6, 4), None, (5, 4), Barrier.EQUATION),
        ("abc,c->ab", (3,), None, (3, 5), Barrier.EQUATION),
        ("abc,bd->ad", 4, None, (3, 5), Barrier.EQUATION),
        ("ab...,bc->ac...", (4, 3), None, (5, 3), Barrier.DYNAMIC_SHAPE),
        ("abc,cde->abde", (None, 4, 4), "d", (3, 5), Barrier.STRAY_BIAS),
        ("abc,cde->abde", (None, 3, 4), "d", (3, 5), Barrier.STRAY_BIAS),
        ("abc,cde->abde", (None, 3, 4), "d", (None, 5), Barrier.STRAY_BIAS),
        ("abc,cde->abde", (None, 2, 4), "d", (3, 5), None),
    )
    def test_barriers(self, equation, output_shape, bias, shape, expected):
        layer = layers.EinsumDense(equation, output_shape, bias_axes=bias)
        self.assertEqual(self.barrier(layer, shape), expected)

    def test_lora_is_a_barrier(self):
        layer = layers.EinsumDense("abc,cd->abd", (None, 4))
        layer.build((None, 3, 5))
        layer.enable_lora(1)
        self.assertEqual(self.barrier(layer, (3, 5)), Barrier.EXTRA_WEIGHTS)


class EinsumDenseModelTest(RuleTestCase):
    @parameterized.parameters("linear", "relu", "gelu")
    def test_gated_inputs_and_outputs(self, activation):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(5, "sigmoid", name="before"), GATES)(x)
        y = self.gate(
            layers.EinsumDense(
                "abc,cde->abde",
                (None, 2, 5),
                activation,
                bias_axes="de",
                name="split",
            ),
            GATES,
        )(y)
        y = layers.Activation("softplus")(y)
        y = layers.EinsumDense(
            "abde,def->abf", (None, 3), bias_axes="f", name="join"
        )(y)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(units(small, "before"), 3)
        self.assertEqual(small.get_layer("split").kernel.shape, (3, 2, 3))
        self.assertEqual(small.get_layer("join").kernel.shape, (2, 3, 3))

    def test_open_time_and_ellipsis(self):
        x = keras.Input((None, 3))
        y = self.gate(
            layers.EinsumDense("...x,xy->...y", 5, bias_axes="y"), GATES
        )(x)
        y = layers.EinsumDense("...x,xy->...y", 5, "gelu", name="gelu")(y)
        y = layers.EinsumDense("abc,cd->abd", (None, 2), bias_axes="d")(y)
        model = self.finish(x, y)
        small, _ = self.strip(model, self.rng.normal(size=(3, 4, 3)))
        self.assertEqual(small.get_layer("gelu").kernel.shape, (3, 5))


if __name__ == "__main__":
    absltest.main()
