"""Tests for add_gates."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0 import gates
from tests import test_util
from tests.gating.models import residual
from tests.surgery import random_values


class AddGatesTest(test_util.TestCase):
    def wide(self, model):
        random_values.widen(model, np.random.default_rng(0))
        return model

    @parameterized.product(
        gate=(
            "hard_concrete",
            "arm",
            "diff_prune",
            "straight_through",
            "dependent",
            gates.HardConcrete(drop_rate=0.5),
        ),
        streams=(False, True),
    )
    def test_outputs_do_not_change_by_a_bit(self, gate, streams):
        model = self.wide(residual())
        gated = keras_l0.add_gates(model, gate, streams=streams)
        x = np.random.default_rng(1).normal(size=(4, 8, 8, 3))
        x = x.astype("float32")
        self.assertIsInstance(gated, keras_l0.L0Model)
        self.assertAllEqual(gated(x), model(x))

    def test_source_is_not_touched(self):
        model = self.wide(residual())
        before = [v.numpy() for v in model.variables]
        gated = keras_l0.add_gates(model, l0=1e-3)
        shared = {id(v) for v in model.variables}
        self.assertFalse(shared & {id(v) for v in gated.variables})
        gated.compile("adam", "mse")
        x = np.ones((8, 8, 8, 3), "float32")
        gated.fit(x, np.ones((8, 3), "float32"), verbose=0)
        for old, variable in zip(before, model.variables, strict=True):
            self.assertAllEqual(old, variable)

    def test_stream_becomes_narrower(self):
        model = self.wide(residual())
        gated = keras_l0.add_gates(model, streams=True)
        vectors = keras_l0.layers.gate_vectors(gated).values()
        (stream,) = [v for v in vectors if v.name == "stem_stream"]
        logits = stream.logits.numpy()
        logits[[1, 4, 5]] = -9.0
        stream.logits.assign(logits)
        small = keras_l0.strip_gates(gated)
        widths = {la.name: la for la in small.layers}
        for name in ("stem", "second_0", "second_1"):
            self.assertEqual(widths[name].filters, 5)
        x = np.random.default_rng(1).normal(size=(4, 8, 8, 3))
        self.assertAllClose(small(x), gated(x), rtol=1e-4, atol=1e-5)

    def test_training_closes_gates(self):
        x = np.random.default_rng(0).normal(size=(256, 6)).astype("float32")
        model = keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(16, activation="relu"),
                layers.Dense(1),
            ]
        )
        gated = keras_l0.add_gates(model, l0=0.01)
        gated.compile("adam", "mse", gate_optimizer=keras.optimizers.Adam(0.1))
        gated.fit(x, x[:, :1], epochs=20, verbose=0)
        self.assertLess(
            keras_l0.strip_gates(gated).count_params(), model.count_params()
        )

    def test_heads(self):
        x = keras.Input((4, 6))
        y = layers.MultiHeadAttention(3, 2, name="attention")(x, x)
        model = self.wide(keras.Model(x, layers.Dense(2)(y)))
        gated = keras_l0.add_gates(model)
        (gate,) = keras_l0.layers.gate_layers(gated)
        self.assertEqual((gate.on, gate.gate_vector.num_gates), ("heads", 3))
        data = np.random.default_rng(1).normal(size=(2, 4, 6))
        self.assertAllEqual(gated(data), model(data))

    def test_shared_layers_stay_shared(self):
        x, z = keras.Input((4,)), keras.Input((4,))
        shared = layers.Dense(5, activation="relu", name="shared")
        top = layers.Dense(2)
        model = self.wide(keras.Model([x, z], [top(shared(x)), top(shared(z))]))
        gated = keras_l0.add_gates(model)
        self.assertLen(list(keras_l0.layers.gate_layers(gated)), 1)
        data = list(np.random.default_rng(1).normal(size=(2, 3, 4)))
        for a, b in zip(gated(data), model(data), strict=True):
            self.assertAllEqual(a, b)

    def test_budget(self):
        budget = keras_l0.Budget(macs=0.5)
        gated = keras_l0.add_gates(residual(), budget=budget)
        self.assertEqual(gated.budget_control.budget, budget)
        self.assertIsNone(keras_l0.add_gates(residual()).budget_control)
        with self.assertRaisesRegex(
            ValueError, "budget finds its own.*l0=0.001, budget=Budget"
        ):
            keras_l0.add_gates(residual(), l0=1e-3, budget=budget)
        with self.assertRaisesRegex(ValueError, "cannot be reached"):
            keras_l0.add_gates(residual(), budget=keras_l0.Budget(params=1))

    def test_least_units_and_rounding_are_the_budgets(self):
        budget = keras_l0.Budget(macs=0.9, round_to=2)
        gated = keras_l0.add_gates(residual(), budget=budget, min_units=2)
        expected = keras_l0.Budget(macs=0.9, round_to=2, min_units=2)
        self.assertEqual(gated.budget_control.budget, expected)
        with self.assertRaisesRegex(ValueError, "belong to a budget.*round_t"):
            keras_l0.add_gates(residual(), l0=1e-3, round_to=4)

    def test_what_cannot_be_gated(self):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
        with self.assertRaisesRegex(ValueError, "nothing to gate.*OUTPUT"):
            keras_l0.add_gates(model)
        gated = keras_l0.add_gates(residual())
        with self.assertRaisesRegex(ValueError, "has gates already"):
            keras_l0.add_gates(gated)
        with self.assertRaisesRegex(ValueError, "`include` fits no layer"):
            keras_l0.add_gates(residual(), include="frist")
        with self.assertRaisesRegex(ValueError, "start open.*continuous"):
            keras_l0.add_gates(residual(), gates.ARM())


if __name__ == "__main__":
    absltest.main()
