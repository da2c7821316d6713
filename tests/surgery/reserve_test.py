"""Tests for closed units that stay."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.reserve import Limits
from keras_l0.surgery.strip import strip_gates
from tests.surgery import strip_test_case
from tests.surgery.strip_test_case import StripTestCase

# Unit 4 comes nearest to opening, then 1; 0 and 5 are open.
LOGITS = [9.0, -3.0, -8.0, -8.0, -2.5, 1.0]


class LimitsTest(StripTestCase):
    @parameterized.parameters(
        (0, 1, 3, 10, 3),
        (0, 4, 3, 10, 4),
        (0, 4, 4, 10, 4),
        (0, 4, 9, 10, 10),
        (0, 16, 3, 10, 10),
        (0, 8, 0, 10, 0),
        (2, 8, 0, 10, 8),
        (5, 1, 3, 10, 5),
        (50, 1, 3, 10, 10),
    )
    def test_kept(self, min_units, round_to, opened, total, kept):
        limits = Limits(min_units, round_to)
        self.assertEqual(limits.kept(opened, total), kept)

    @parameterized.parameters(
        ({"min_units": -1}, ValueError, "min_units=-1"),
        ({"round_to": 0}, ValueError, "round_to=0"),
        ({"round_to": 1.5}, TypeError, "round_to=1.5"),
        ({"min_units": True}, TypeError, "min_units=True"),
    )
    def test_bad_numbers(self, options, error, received):
        with self.assertRaisesRegex(error, received):
            Limits(**options)


class ReserveTest(StripTestCase):
    def model(self, activation="relu", after="linear"):
        x = keras.Input((3,))
        first = self.gate(
            layers.Dense(6, activation=activation), [1] * 6, name="first"
        )
        second = self.gate(
            layers.Dense(5, activation="gelu"), [0, 1, 1, 0, 1], name="second"
        )
        y = layers.Activation(after)(first(x))
        model = self.finish(x, layers.Dense(2)(second(y)))
        first.gate_vector.logits.assign(LOGITS)
        return model

    def strip(self, model, **options):
        """Checks the function, and returns kept units, weights and report."""
        small, report = strip_gates(model, return_report=True, **options)
        self.assert_same_function(model, small, self.data(model))
        dense = [la for la in small.layers if la.weights]
        return [la.units for la in dense], dense, report

    @parameterized.product(
        activation=("relu", "gelu", "sigmoid"), after=("linear", "softplus")
    )
    def test_best_closed_unit_stays(self, activation, after):
        model = self.model(activation, after)
        units, dense, report = self.strip(model, round_to=3)
        self.assertEqual(units, [3, 3, 2])
        self.assertEqual(report.reserved, {"first": [4]})
        source = model.get_layer("first").layer.kernel.numpy()
        # The unit is computed as before; what reads it has zeros for it.
        ratio = dense[0].kernel.numpy()[:, 1] / source[:, 4]
        self.assertAllClose(ratio, np.ones(3), rtol=1e-12)
        if after == "linear":
            self.assertAllEqual(dense[1].kernel.numpy()[1], np.zeros(3))

    @parameterized.parameters(
        ({"min_units": 4}, [4, 4, 2], {"first": [1, 4], "second": [0]}),
        ({"round_to": 4}, [4, 4, 2], {"first": [1, 4], "second": [0]}),
        (
            {"round_to": 16},
            [6, 5, 2],
            {"first": [1, 2, 3, 4], "second": [0, 3]},
        ),
        ({"exclude": "first"}, [6, 3, 2], {"first": [1, 2, 3, 4]}),
        ({"include": "first"}, [2, 5, 2], {"second": [0, 3]}),
        (
            {"include": "first", "round_to": 3},
            [3, 5, 2],
            {"first": [4], "second": [0, 3]},
        ),
        ({}, [2, 3, 2], {}),
    )
    def test_options(self, options, units, reserved):
        found, _, report = self.strip(self.model(), **options)
        self.assertEqual(found, units)
        self.assertEqual(report.reserved, reserved)
        for name, closed in reserved.items():
            self.assertIn(f"closed, but kept: {name}: {closed}", str(report))

    def test_layer_that_is_all_closed_goes(self):
        x = keras.Input((3,))
        gated = self.gate(layers.Dense(6), [0] * 6)
        y = layers.Dense(4)(x) + layers.Dense(4)(gated(x))
        model = self.finish(x, layers.Dense(2)(y))
        self.assertEqual(self.strip(model, round_to=4)[0], [4, 2])
        self.assertEqual(self.strip(model, min_units=2)[0], [2, 4, 4, 2])

    def test_reserved_units_learn_again(self):
        model = self.model()
        small = strip_gates(model, round_to=3)
        small.compile("sgd", "mse")
        second = [la for la in small.layers if la.weights][1]
        x = self.rng.normal(size=(64, 3))
        small.fit(x, x[:, :2], verbose=0)
        self.assertTrue((second.kernel.numpy()[1] != 0).any())

    @parameterized.parameters(
        lambda: layers.BatchNormalization(),
        lambda: layers.Conv1D(3, 3, padding="same"),
        lambda: layers.PReLU(),
        lambda: layers.Flatten(),
    )
    def test_readers(self, reader):
        x = keras.Input((5, 3))
        gated = self.gate(
            layers.Conv1D(6, 2, activation="softplus"), [0, 1, 0.5, 0, 1, 0]
        )
        y = layers.Dense(2)(reader()(gated(x)))
        model = self.finish(x, y)
        units, _, _ = self.strip_convolution(model, round_to=4)
        self.assertEqual(units, 4)

    def strip_convolution(self, model, **options):
        small, report = strip_gates(model, return_report=True, **options)
        self.assert_same_function(model, small, self.data(model))
        first = next(la for la in small.layers if la.weights)
        return first.filters, small, report

    def test_dry_run_returns_the_report_only(self):
        model = self.model()
        before = strip_test_case.weights(model)
        report = strip_gates(model, dry_run=True, round_to=3)
        _, other = strip_gates(model, return_report=True, round_to=3)
        self.assertEqual(report.params_after, other.params_after)
        self.assertEqual(report.layers, other.layers)
        for old, new in zip(
            before, strip_test_case.weights(model), strict=True
        ):
            self.assertAllEqual(old, new)

    @parameterized.parameters(
        ({}, 2, {}),
        ({"round_to": 3}, 3, {"heads": [3]}),
        ({"min_units": 4}, 4, {"heads": [0, 3]}),
        ({"exclude": layers.MultiHeadAttention}, 4, {"heads": [0, 3]}),
        ({"include": "^dense$"}, 4, {"heads": [0, 3]}),
    )
    def test_heads(self, options, expected, reserved):
        x = keras.Input((5, 6))
        attention = layers.MultiHeadAttention(4, 3)
        heads = self.gate(attention, [0, 1, 0.5, 0], on="heads", name="heads")
        dense = self.gate(layers.Dense(4), [1, 1, 1, 1], name="dense")
        model = self.finish(x, dense(heads(x, value=x)))
        heads.gate_vector.logits.assign([-8.0, 9.0, 0.0, -3.0])
        small, report = strip_gates(model, return_report=True, **options)
        self.assert_same_function(model, small, self.data(model))
        (found,) = [
            la
            for la in small.layers
            if isinstance(la, layers.MultiHeadAttention)
        ]
        self.assertEqual(found.num_heads, expected)
        self.assertEqual(report.reserved, reserved)
        # What computes a head that stays is there to learn again.
        self.assertTrue(found.get_weights()[0].any(axis=(0, 2)).all())

    def test_filter_that_fits_nothing(self):
        with self.assertRaisesRegex(ValueError, "e.g. 'first', 'second'"):
            strip_gates(self.model(), include="third_one")

    def test_nested_names(self):
        z = keras.Input((3,))
        inner = self.gate(layers.Dense(4), [1, 0, 0, 1], name="deep")
        inner = keras.Model(z, inner(z), name="inner")
        x = keras.Input((3,))
        model = self.finish(x, layers.Dense(2)(inner(x)))
        units, _, report = self.strip(model, exclude="^inner/deep$")
        self.assertEqual(units, [4, 2])
        self.assertEqual(report.reserved, {"inner/deep": [1, 2]})


if __name__ == "__main__":
    absltest.main()
