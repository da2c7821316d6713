"""Tests of what strip_gates refuses, by name."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import units


class RefusalTestCase(StripTestCase):
    def assert_nothing_happens(self, model, error, message):
        layers_before = len(model.layers)
        with self.assertRaisesRegex(error, message):
            keras_l0.strip_gates(model)
        self.assertLen(model.layers, layers_before)


class DeadEndsTest(RefusalTestCase):
    @parameterized.parameters("relu", "sigmoid")
    def test_dead_end_names_the_gates(self, activation):
        x = keras.Input((3,))
        y = self.gate(layers.Dense(4), [1, 0, 1, 1], name="fine")(x)
        dead = layers.Dense(2, activation=activation)
        y = self.gate(dead, [0, 0], name="dead")(y)
        model = self.finish(x, layers.Dense(2)(y))
        self.assert_nothing_happens(
            model,
            ValueError,
            "All units of 'dead' are closed; stripping would cut the model "
            "between its inputs and its outputs. Lower `l0`",
        )

    def test_dead_end_of_one_output_of_two(self):
        x = keras.Input((3,))
        dead = self.gate(layers.Dense(2), [0, 0], name="dead")(x)
        model = self.finish(x, [layers.Dense(2)(x), layers.Dense(2)(dead)])
        self.assert_nothing_happens(model, ValueError, "All units of 'dead'")

    def test_dead_end_by_gates_that_complete_each_other(self):
        x = keras.Input((3,))
        y = self.gate(layers.Dense(2), [0, 1], name="one")(x)
        y = self.gate(layers.ReLU(), [1, 0], name="two")(y)
        self.assert_nothing_happens(
            self.finish(x, layers.Dense(2)(y)),
            ValueError,
            "Together, too many units of 'one', 'two' are closed; stripping",
        )

    def test_dead_end_by_weights(self):
        x = keras.Input((2,))
        gated = self.gate(
            layers.Dense(2), [0, 0, 0, 0], on="weights", name="dead"
        )
        self.assert_nothing_happens(
            self.finish(x, gated(x)), ValueError, "All units of 'dead'"
        )

    def test_output_that_was_a_constant_before_is_no_dead_end(self):
        x = keras.Input((3,))
        dead = self.gate(layers.Dense(2), [0, 0], name="dead")(x)
        y = layers.Add()([dead, layers.Dense(2)(x)])
        last = layers.Dense(2, name="last")
        model = self.finish(x, last(y))
        last.kernel.assign(np.zeros((2, 2)))
        small, _ = self.strip(model)
        self.assertEqual(units(small, "last"), 1)


class MasksTest(RefusalTestCase):
    def test_masks_that_no_argument_carries(self):
        x = keras.Input((4,), dtype="int32")
        y = layers.Embedding(5, 3, mask_zero=True)(x)
        gated = keras_l0.L0Gate(layers.Dense(2))(y)
        merged = layers.Maximum(name="merged")([gated, layers.Dense(2)(y)])
        self.assert_nothing_happens(
            keras.Model(x, merged),
            ValueError,
            r"Layer 'merged' \(Maximum\) finds a mask on its inputs",
        )

    def test_nested_model_that_returns_a_mask(self):
        inner = keras.Sequential(
            [
                keras.Input((4,), dtype="int32"),
                layers.Embedding(5, 3, mask_zero=True),
            ],
            name="inner",
        )
        x = keras.Input((4,), dtype="int32")
        y = keras_l0.L0Gate(layers.Dense(2))(inner(x))
        self.assert_nothing_happens(
            keras.Model(x, layers.LSTM(2)(y)),
            ValueError,
            r"Layer 'inner' \(Sequential\) .* or is a model that returns one",
        )

    def test_refusals_come_before_the_copy_of_a_model_without_gates(self):
        x = keras.Input((4,), dtype="int32")
        y = layers.Embedding(5, 3, mask_zero=True)(x)
        model = self.finish(x, layers.Maximum()([y, y]))
        data = self.rng.integers(0, 5, (3, 4))
        small = keras_l0.strip_gates(model)
        self.assert_same_function(model, small, data)

    def test_mask_that_a_change_of_type_hides(self):
        x = keras.Input((5,), dtype="int32")
        y = layers.Embedding(7, 6, mask_zero=True, dtype="float32")(x)
        y = self.gate(layers.Dense(4, dtype="float32"), [1, 0, 0.3, 1])(y)
        for layer in (layers.LSTM(3), layers.GlobalAveragePooling1D()):
            model = self.finish(x, layer(y))
            with self.assertRaisesRegex(ValueError, "finds a mask on its inp"):
                keras_l0.strip_gates(model)


if __name__ == "__main__":
    absltest.main()
