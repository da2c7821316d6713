"""Counts of stripped LeNets against the formulas of the literature.

The published prune rates count kernels, biases excluded. LeNet-5-Caffe's
20-50-800-500 and LeNet-300-100 are the networks that the papers on L0 gates
report on.
"""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from tests.surgery.strip_test_case import StripTestCase


def kernels(model):
    return sum(v.numpy().size for v in model.weights if v.name == "kernel")


def biases(model):
    return sum(v.numpy().size for v in model.weights if v.name == "bias")


class LeNetTest(StripTestCase):
    policy = "float32"

    def some(self, number, size):
        """Gates of which `number` are open, some of them a little."""
        gates = np.zeros(size)
        chosen = self.rng.choice(size, number, replace=False)
        gates[chosen] = self.rng.choice([0.3, 1.0], number)
        return gates

    @parameterized.parameters((784, 300, 100), (219, 214, 100), (45, 30, 7))
    def test_lenet_300_100(self, a, b, c):
        """Inputs gated, as published: a-b-c inputs of the three layers."""
        x = keras.Input((784,))
        y = x
        for size, number, units, activation in (
            (784, a, 300, "relu"),
            (300, b, 100, "relu"),
            (100, c, 10, "linear"),
        ):
            dense = layers.Dense(units, activation=activation)
            y = self.gate(dense, self.some(number, size), on="inputs")(y)
        model = self.finish(x, y)
        small, report = self.strip(model)
        self.assertEqual(kernels(small), a * b + b * c + 10 * c)
        self.assertEqual(biases(small), b + c + 10)
        self.assertEqual(report.params_before, 266_610)
        self.assertEqual(report.macs_after, kernels(small))

    def lenet5(self, conv1, conv2, fc1, fc2):
        """20-50-800-500; gates on maps and on inputs of dense layers."""
        x = keras.Input((28, 28, 1))
        y = self.gate(layers.Conv2D(20, 5, activation="relu"), conv1)(x)
        y = layers.MaxPooling2D()(y)
        y = self.gate(layers.Conv2D(50, 5, activation="relu"), conv2)(y)
        y = layers.Flatten()(layers.MaxPooling2D()(y))
        hidden = layers.Dense(500, activation="relu")
        y = self.gate(hidden, fc1, on="inputs")(y)
        y = self.gate(layers.Dense(10), fc2, on="inputs")(y)
        return self.strip(self.finish(x, y))

    @parameterized.parameters((20, 50, 500), (9, 18, 25), (5, 10, 16))
    def test_lenet5(self, a, b, d):
        small, report = self.lenet5(
            self.some(a, 20), self.some(b, 50), np.ones(800), self.some(d, 500)
        )
        c = 16 * b  # each map owns 16 features
        self.assertEqual(kernels(small), 25 * a + 25 * a * b + c * d + 10 * d)
        self.assertEqual(biases(small), a + b + d + 10)
        self.assertEqual(report.params_before, 431_080)
        self.assertEqual(report.macs_before, 2_293_000)
        self.assertEqual(
            report.macs_after, 14_400 * a + 1_600 * a * b + c * d + 10 * d
        )

    def test_features_of_a_map_are_gated_one_by_one(self):
        # All features of map 3 are closed, and a single one of map 5: the
        # first go with their map, the other one is left out behind it.
        features = np.ones((16, 50))
        features[:, 3] = 0
        features[0, 5] = 0
        small, _ = self.lenet5(
            np.ones(20), np.ones(50), features.ravel(), np.ones(500)
        )
        self.assertEqual(
            kernels(small),
            25 * 20 + 25 * 20 * 49 + (16 * 49 - 1) * 500 + 10 * 500,
        )


if __name__ == "__main__":
    absltest.main()
