"""Tests of how a layer runs with gated weights."""

import numpy as np
from absl.testing import absltest
from keras import layers

from keras_l0.layers import target
from tests.layers.layer_test_case import LayerTestCase


class TargetTest(LayerTestCase):
    def setUp(self):
        super().setUp()
        self.layer = layers.Dense(2, activity_regularizer="l2")
        self.layer.build((None, 3))

    def test_times_broadcasts_in_the_type_of_the_variable(self):
        kernel, gates = self.layer.kernel, np.array([[0.0], [0.5], [1.0]])
        found = target.times(kernel, gates)
        expected = kernel.numpy() * gates
        self.assert_float32_close(found, expected)

    def test_call_with_runs_on_the_values_and_hands_losses_on(self):
        x, kernel = np.ones((1, 3), "float32"), self.layer.kernel
        values = [(kernel, np.full((3, 2), 2.0, "float32"))]
        outputs, losses = target.call_with(self.layer, values, x, {})
        self.assertAllEqual(outputs, [[6.0, 6.0]])
        # Two squares of 36, and 0.01 of them by default.
        self.assert_float32_close(losses, [0.72])


if __name__ == "__main__":
    absltest.main()
