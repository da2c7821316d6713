"""Gates between 0 and 1, in all the places where they are multiplied in."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import units

GATES = [0, 1, 0.3, 0, 0.8]


class SoftGatesTest(StripTestCase):
    """Gates between 0 and 1 belong into a kernel, but not always into which."""

    SOFT = [0.2, 1, 0.3, 0.5, 0.8]

    @parameterized.parameters(
        "relu", "leaky_relu", "gelu", "sigmoid", "softmax"
    )
    def test_behind_an_activation(self, activation):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation=activation), self.SOFT)(x)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        # In one kernel or the other: nothing is left to multiply.
        self.assertLen(small.operations, 3)

    @parameterized.parameters("relu", "gelu", "sigmoid")
    def test_in_front_of_an_activation(self, activation):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5), self.SOFT)(x)
        y = layers.Activation(activation)(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertLen(small.operations, 4)

    @parameterized.product(scale=(True, False), center=(True, False))
    def test_batch_normalization_under_and_behind_gates(self, scale, center):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 2, activation="gelu"), self.SOFT)(x)
        norm = layers.BatchNormalization(scale=scale, center=center)
        y = self.gate(norm, self.SOFT[::-1])(y)
        y = layers.Activation("gelu")(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        if scale:  # gamma takes both
            self.assertLen(small.operations, 5)

    @parameterized.parameters("relu", "gelu")
    def test_several_consumers(self, activation):
        x = keras.Input((4,))
        hidden = layers.Dense(5, activation=activation, name="hidden")
        y = self.gate(hidden, GATES)(x)
        ends = [layers.Dense(2)(y), layers.Dense(3)(y), layers.Softmax()(y)]
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(units(small, "hidden"), 3)

    def test_ungated_reader_of_the_same_layer(self):
        x = keras.Input((4,))
        hidden = layers.Dense(5, activation="relu", name="hidden")(x)
        gated = self.gate(layers.Identity(), GATES)(hidden)
        ends = [layers.Dense(2)(hidden), layers.Dense(2)(gated)]
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(units(small, "hidden"), 5)

    @parameterized.parameters("outputs", "inputs", "weights")
    def test_each_place(self, on):
        x = keras.Input((5,))
        rng = np.random.default_rng(0)  # 0, 0.3 and 1 at each place
        number = 25 if on == "weights" else 5
        gates = rng.choice([0.0, 0.3, 1.0], number)
        y = layers.Activation("softplus")(x)
        y = self.gate(layers.Dense(5, activation="gelu"), gates, on=on)(y)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    def test_gates_on_outputs_and_inputs_of_one_layer(self):
        x = keras.Input((5,))
        y = layers.Dense(5, activation="gelu", name="first")(x)
        inner = self.gate(layers.Dense(4, name="second"), GATES, on="inputs")
        y = self.gate(inner, [1, 0, 0.3, 1])(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(units(small, "first"), 3)
        self.assertEqual(units(small, "second"), 3)


if __name__ == "__main__":
    absltest.main()
