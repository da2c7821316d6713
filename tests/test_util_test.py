"""Tests of the statistical check: it must fail when it should."""

import os
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest

from tests import test_util


class AssertMeanCloseTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(test_util.test_seed())
        self.samples = rng.normal(1.0, 2.0, (10_000, 2)).astype("float32")
        # Exactly mean 1 and standard error 0.02, so that nothing is random.
        self.samples -= self.samples.mean(axis=0) - 1
        self.samples *= 2 / self.samples.std(axis=0, ddof=1)
        self.samples -= self.samples.mean(axis=0) - 1

    def test_passes_within_z_standard_errors(self):
        self.assert_mean_close(self.samples, [1.079, 0.921])
        self.assert_mean_close(self.samples, 1.0)

    def test_fails_beyond_z_standard_errors(self):
        with self.assertRaisesRegex(AssertionError, "1 of 2 means"):
            self.assert_mean_close(self.samples, [1.0, 1.081])
        with self.assertRaisesRegex(AssertionError, "2 of 2 means"):
            self.assert_mean_close(self.samples, 1.041, z=2)

    def test_fails_for_values_that_are_not_finite(self):
        with self.assertRaisesRegex(AssertionError, "not finite"):
            self.assert_mean_close(np.full([100], np.nan), 0.0)
        with self.assertRaisesRegex(AssertionError, "1 of 2 means"):
            self.assert_mean_close(self.samples, [1.0, np.nan])

    def test_constants_are_compared_to_rounding(self):
        constants = np.full([100], 0.1, "float32")
        self.assert_mean_close(constants, 0.1)
        with self.assertRaisesRegex(AssertionError, "1 of 1 means"):
            self.assert_mean_close(constants, 0.1001)

    def test_fails_for_few_samples(self):
        with self.assertRaisesRegex(AssertionError, "too few samples"):
            self.assert_mean_close(self.samples[:99], 1.0)


class TestSeedTest(test_util.TestCase):
    def test_environment_changes_the_seed(self):
        with mock.patch.dict(os.environ, KERAS_L0_TEST_SEED="5"):
            self.assertEqual(test_util.test_seed(), 5)
        with mock.patch.dict(os.environ):
            os.environ.pop("KERAS_L0_TEST_SEED", None)
            self.assertEqual(test_util.test_seed(), 17)


class CleanStartTest(test_util.TestCase):
    """Two tests that each leave Keras changed; whichever runs second sees."""

    def check_and_change(self):
        self.assertEqual(keras.config.dtype_policy().name, "float32")
        self.assertEqual(keras.config.image_data_format(), "channels_last")
        self.assertEqual(keras.layers.Dense(1).name, "dense")
        keras.config.set_dtype_policy("mixed_bfloat16")
        keras.config.set_image_data_format("channels_first")
        return keras.random.normal([3])

    def test_first(self):
        type(self).drawn = getattr(self, "drawn", []) + [
            np.array(self.check_and_change())
        ]
        self.assertAllEqual(self.drawn[0], self.drawn[-1])

    def test_second(self):
        self.test_first()


if __name__ == "__main__":
    absltest.main()
