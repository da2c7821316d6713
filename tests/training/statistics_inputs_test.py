"""Tests of the inputs for the statistics of batch normalization."""

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.training.statistics_inputs import StatisticsInputs
from tests import test_util

X = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")
Y = X[:, :1]


def model(**kwargs):
    norm = layers.BatchNormalization(**kwargs)
    made = keras.Sequential([keras.Input((2,)), norm])
    norm.moving_mean.assign([9.0, 9.0])
    return made, norm


def dataset(*parts):
    return tf.data.Dataset.from_tensor_slices(
        parts if len(parts) > 1 else parts[0]
    ).batch(12)


class StatisticsInputsTest(test_util.TestCase):
    @parameterized.named_parameters(
        ("array", lambda: X),
        ("tensor", lambda: tf.constant(X)),
        ("list", lambda: [X]),
        ("inputs", lambda: dataset(X)),
        ("pairs", lambda: dataset(X, Y)),
        ("triples", lambda: dataset(X, Y, np.ones(12))),
        ("endless", lambda: dataset(X, Y).repeat()),
    )
    def test_statistics_are_those_of_the_inputs(self, make):
        made, norm = model()
        StatisticsInputs(make()).recalibrate(made, 100)
        # Sums of 12 in float32.
        self.assertAllClose(norm.moving_mean, X.mean(0), atol=1e-6)
        self.assertAllClose(norm.moving_variance, X.var(0), atol=1e-6)

    def test_inputs_by_name(self):
        x, z = keras.Input((2,), name="x"), keras.Input((2,), name="z")
        norm = layers.BatchNormalization()
        made = keras.Model({"x": x, "z": z}, norm(layers.Subtract()([x, z])))
        for given in (
            {"x": X, "z": 3 * X},
            dataset({"x": X, "z": 3 * X}, Y),
            dataset({"x": X, "z": 3 * X}),
        ):
            norm.moving_mean.assign([9.0, 9.0])
            StatisticsInputs(given).recalibrate(made, 100)
            self.assertAllClose(norm.moving_mean, -2 * X.mean(0), atol=1e-5)

    def test_large_arrays_are_thinned_out(self):
        rows = np.arange(30_000, dtype="float32")[:, None] * [1, 1]
        found = StatisticsInputs(rows)._inputs(100)
        self.assertAllEqual(found[:3, 0], [0, 3, 6])
        self.assertLen(found, 10_000)
        self.assertLen(StatisticsInputs(rows[:12_800])._inputs(100), 12_800)
        self.assertLen(StatisticsInputs(rows[:1281])._inputs(10), 641)

    def test_endless_data_is_cut(self):
        endless = StatisticsInputs(dataset(X, Y).repeat())._inputs(7)
        self.assertEqual(int(endless.cardinality()), 7)

    @parameterized.named_parameters(
        ("generator", lambda: (pair for pair in [(X, Y)])),
        ("nothing", lambda: None),
        ("lists", lambda: X.tolist()),
    )
    def test_what_is_read_as_it_comes_is_left_with_a_warning(self, make):
        made, norm = model()
        given = make()
        with self.assertLogs(logging.get_absl_logger(), "WARNING") as logs:
            StatisticsInputs(given).recalibrate(made, 100)
        self.assertRegex(
            logs.output[0], "not taken anew.*recalibrate_batch_statistics"
        )
        self.assertAllEqual(norm.moving_mean, [9.0, 9.0])
        if hasattr(given, "__next__"):
            self.assertLen(list(given), 1)

    def test_without_normalization_nothing_is_said(self):
        plain = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
        frozen, norm = model(trainable=False)
        with self.assertNoLogs(logging.get_absl_logger(), "WARNING"):
            StatisticsInputs(None).recalibrate(plain, 100)
            StatisticsInputs(X).recalibrate(frozen, 100)
        self.assertAllEqual(norm.moving_mean, [9.0, 9.0])


if __name__ == "__main__":
    absltest.main()
