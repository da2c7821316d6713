"""Tests for recalibrate_batch_statistics."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

import keras_l0
from tests import test_util

recalibrate = keras_l0.training.recalibrate_batch_statistics


class BatchStatisticsTest(test_util.TestCase):
    def model(self):
        gated = keras_l0.L0Gate(keras.layers.Dense(3), "hard_concrete")
        norm, drop = keras.layers.BatchNormalization(), keras.layers.Dropout(0)
        model = keras.Sequential([keras.Input((2,)), gated, norm, drop])
        gated.gate_vector.logits.assign([-3.0, 0.5, 3.0])
        return model, gated, norm

    def data(self, size=12):
        return np.random.default_rng(1).normal(size=(size, 2)).astype("float32")

    def test_statistics_are_those_under_deterministic_gates(self):
        model, gated, norm = self.model()
        x = self.data()
        values = gated(x).numpy()
        for given in (x, tf.data.Dataset.from_tensor_slices(x).batch(12)):
            norm.moving_mean.assign([9.0, 9.0, 9.0])
            recalibrate(model, given)
            self.assertAllClose(norm.moving_mean, values.mean(0), atol=1e-6)
            self.assertAllClose(norm.moving_variance, values.var(0), atol=1e-6)

    def test_batches_count_alike(self):
        model, gated, norm = self.model()
        x = self.data()
        recalibrate(model, x, batch_size=4)
        values = gated(x).numpy().reshape(3, 4, 3)
        self.assertAllClose(
            norm.moving_variance, values.var(1).mean(0), atol=1e-6
        )

    def test_nothing_else_changes(self):
        model, gated, norm = self.model()
        before = [
            (v, v.numpy()) for v in model.variables if "moving" not in v.name
        ]
        recalibrate(model, self.data())
        for variable, value in before:
            self.assertAllEqual(variable, value)
        self.assertEqual(norm.momentum, 0.99)
        self.assertTrue(gated.gate_vector.trainable)

    def test_refuses_models_and_data_that_have_nothing(self):
        plain = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        with self.assertRaisesRegex(ValueError, "no BatchNormalization"):
            recalibrate(plain, self.data())
        with self.assertRaisesRegex(ValueError, "`x` has no batch"):
            recalibrate(self.model()[0], self.data(0))


if __name__ == "__main__":
    absltest.main()
