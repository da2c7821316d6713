"""Tests of the rules of layers that normalize over an axis."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

ZEROS, MIXED = {0: 0.0, 2: 0.0}, {0: 0.7, 2: 0.0, 3: -1.2}
GATES = [0, 0.4, 1, 0, 0.7]

MAKERS = {
    "layer": lambda axis: layers.LayerNormalization(axis, epsilon=0.01),
    "layer_plain": lambda axis: layers.LayerNormalization(
        axis, center=False, scale=False
    ),
    "rms": lambda axis: layers.RMSNormalization(axis, epsilon=0.3),
    "unit": lambda axis: layers.UnitNormalization(axis),
    "softmax": lambda axis: layers.Softmax(axis),
}


def _weights(layer, **values):
    for name, value in values.items():
        getattr(layer, name).assign(value)


class CoupledRuleTest(RuleTestCase):
    @parameterized.product(
        kind=sorted(MAKERS), known=({}, ZEROS, MIXED, {1: 0.3})
    )
    def test_over_the_followed_axis(self, kind, known):
        self.check(MAKERS[kind](-1), self.probe((3, 5), known))

    @parameterized.product(kind=sorted(MAKERS), known=({}, ZEROS, MIXED))
    def test_over_another_axis(self, kind, known):
        # The followed axis is 1; the layer normalizes over the last.
        output = self.check(MAKERS[kind](-1), self.probe((5, 3), known, axis=1))
        self.assertTrue(output.divisible)

    @parameterized.product(
        kind=("layer", "unit", "softmax"), known=({}, ZEROS, MIXED)
    )
    def test_over_axis_1(self, kind, known):
        self.check(MAKERS[kind](1), self.probe((4, 5), known, axis=1))
        self.check(MAKERS[kind](1), self.probe((4, 5), known, axis=2))

    @parameterized.product(kind=sorted(MAKERS), known=({}, ZEROS, MIXED))
    def test_over_two_axes(self, kind, known):
        axes = (2, 3) if kind == "softmax" else [2, 3]
        for axis, shape in ((1, (5, 3, 4)), (2, (3, 5, 4)), (3, (3, 4, 5))):
            self.check(MAKERS[kind](axes), self.probe(shape, known, axis))

    def test_all_zeros(self):
        for kind in ("layer", "rms", "unit"):
            self.check(MAKERS[kind](-1), self.probe((3, 2), {0: 0.0, 1: 0.0}))

    @parameterized.product(kind=("layer", "rms", "unit"))
    def test_output_of_rank_2(self, kind):
        self.check(MAKERS[kind](-1), self.probe((5,), MIXED))

    def test_gamma_of_zero_leaves_beta(self):
        layer = layers.LayerNormalization()
        call = self.call(layer, (4, 3))
        call.weights["gamma"] = np.array([0.0, 1.0, 0.0])
        call.weights["beta"] = np.array([0.25, 2.0, -3.0])
        x = self.probe((4, 3)).channels
        (output,) = find_rule(layer).forward(call, [x])
        self.assertAllEqual(output.known, [True, False, True])
        self.assertAllEqual(output.value, [0.25, 0.0, -3.0])
        self.assertFalse(output.divisible)

    def test_constants_over_another_axis_in_closed_form(self):
        x = self.probe((3, 4), {0: 0.0, 1: 2.0}, axis=1).channels
        for layer, weights, known, value in (
            # Another value than 0 differs from its mean by rounding.
            (layers.LayerNormalization(), {"beta": 0.3}, [1, 0, 0], [0.3, 0]),
            (layers.LayerNormalization(), {}, [0, 0, 0], [0, 0]),
            (layers.Softmax(), {}, [1, 1, 0], [0.25, 0.25]),
            (
                layers.RMSNormalization(epsilon=12.0),
                {"scale": 3.0},
                [1, 1, 0],
                [0, 3 * 2 / 4],
            ),
            (layers.RMSNormalization(), {}, [1, 0, 0], [0, 0]),
        ):
            call = self.call(layer, (3, 4))
            for name, number in weights.items():
                call.weights[name] = np.full(4, number)
            (output,) = find_rule(layer).forward(call, [x])
            self.assertAllEqual(output.known, np.array(known, bool))
            self.assertAllClose(output.value[:2], value, rtol=1e-15)

    def test_share_of_open_size_is_not_known(self):
        layer = layers.Softmax()
        call = self.call(layer, (3, None))
        x = self.probe((3, 4), {0: 0.0}, axis=1).channels
        (output,) = find_rule(layer).forward(call, [x])
        self.assertFalse(output.known.any())

    @parameterized.parameters("layer", "rms")
    def test_scaled_weights_scale_the_output(self, kind):
        layer = MAKERS[kind](-1)
        call, (x, _) = self.call(layer, (4, 3)), self.probe((4, 3)).arrays
        factors = np.array([0.0, 0.3, 1.0])
        expected = self.run_layer(layer, [x]) * factors
        _weights(layer, **find_rule(layer).scaled_weights(call, factors))
        self.assertAllClose(
            self.run_layer(layer, [x]), expected, rtol=1e-12, atol=1e-12
        )

    def test_no_scaled_weights(self):
        for layer, shape in (
            (MAKERS["layer"](-1), (3, 3)),  # along either axis
            (MAKERS["layer"](-1), (3, 4)),  # along the other axis
            (MAKERS["layer_plain"](-1), (4, 3)),
            (MAKERS["layer"]([1, 2]), (4, 3)),
            (MAKERS["unit"](-1), (4, 3)),
            (MAKERS["softmax"](-1), (4, 3)),
        ):
            call, rule = self.call(layer, shape), find_rule(layer)
            self.assertIsNone(rule.scaled_weights(call, np.ones(3)))
            self.assertFalse(rule.commutes_with_scale(call))

    def test_barriers(self):
        for layer, shape in (
            (layers.Softmax(), (3,)),
            (layers.Masking(), (4, 3)),
            # Keras sorts these two as they stand.
            (layers.UnitNormalization([1, -1]), (4, 3)),
        ):
            self.assertEqual(
                self.barrier(layer, shape), Barrier.COUPLED_CHANNELS
            )
        # Keras multiplies the last axis by the scale, whatever the axis.
        layer = layers.RMSNormalization(1)
        self.assertEqual(self.barrier(layer, (3, 3)), Barrier.COUPLED_CHANNELS)


class CoupledModelTest(RuleTestCase):
    @parameterized.parameters("layer", "rms", "unit")
    def test_gates_before_and_behind(self, kind):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(5, "relu", name="before"), GATES)(x)
        y = self.gate(MAKERS[kind](-1), GATES[::-1])(y)
        y = layers.Dense(2, "gelu", name="behind")(y)
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model)
        self.assertEqual(units(small, "before"), 3)
        kernel = small.get_layer("behind").kernel
        # Gates close channels 0, 3 before and 1, 4 behind.
        wanted = {"layer": 3, "rms": 1, "unit": 1}
        self.assertEqual(kernel.shape[0], wanted[kind])

    def test_root_mean_square_becomes_narrow(self):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(5, name="before"), GATES)(x)
        y = layers.RMSNormalization(name="norm")(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(units(small, "norm"), 3)
        # The input of the normalization is the layer's output as it is.
        self.assertNotIn("Take", [type(o).__name__ for o in small.operations])

    @parameterized.parameters("layer", "layer_plain", "unit", "softmax")
    def test_over_time(self, kind):
        x = keras.Input((6, 3))
        y = self.gate(layers.Conv1D(5, 2, activation="gelu"), GATES)(x)
        y = MAKERS[kind](1)(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(small.layers[1].filters, 3)

    def test_attention_weights_of_softmax(self):
        x = keras.Input((None, 3))
        y = self.gate(layers.Dense(5), GATES)(x)
        y = layers.Softmax(-2)(y)
        model = self.finish(x, layers.Dense(2)(y))
        self.strip(model, self.rng.normal(size=(2, 4, 3)))

    def test_masking(self):
        x = keras.Input((4, 3))
        y = layers.Masking()(self.gate(layers.Dense(3), [0, 0.4, 1])(x))
        data = self.rng.normal(size=(2, 4, 3))
        model = self.finish(x, layers.Dense(2)(y))
        _, report = self.strip(model, data)
        reasons = {row.layer: row.reason for row in report.barriers}
        self.assertEqual(reasons["Masking"], Barrier.COUPLED_CHANNELS)


if __name__ == "__main__":
    absltest.main()
