"""What all tests share: the base class, the seed, the statistical check."""

import os

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized


def test_seed() -> int:
    """Seed of every test: 17, or the environment's KERAS_L0_TEST_SEED."""
    return int(os.environ.get("KERAS_L0_TEST_SEED", "17"))


test_seed.__test__ = False  # A helper, whatever its name tells pytest.


def start_afresh() -> None:
    """Makes names and random numbers what they are in a new process."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(test_seed())


class TestCase(parameterized.TestCase, tf.test.TestCase):
    """Base class: each test starts from the same seed and a clean Keras."""

    test_session = None  # TensorFlow's own, which every class would skip.

    def setUp(self):
        super().setUp()
        self.addCleanup(
            keras.config.set_image_data_format,
            keras.config.image_data_format(),
        )
        start_afresh()

    def assert_mean_close(self, samples, expected, z=4):
        """Fails if the mean of `samples` is not `expected`, by a z-test.

        The mean may differ from `expected` by `z` of its standard errors,
        which are estimated from the samples. False alarms: where the mean is
        near enough to normal, a right `expected` fails with probability
        6.3e-5 at `z=4` (2.7e-3 at 3, 5.7e-7 at 5) for each entry of
        `expected`, 6.3e-3 for a hundred of them at most. Entries that never
        vary must equal `expected` to 4 units in the last place.

        Args:
            samples: Array `[n, ...]` of independent draws, n at least 100.
            expected: Array of a shape that broadcasts to `[...]`.
            z: Positive float, standard errors that are allowed.
        """
        samples = np.asarray(samples)
        self.assertGreaterEqual(len(samples), 100, "too few samples")
        self.assertTrue(np.all(np.isfinite(samples)), "samples not finite")
        rounding = 4 * np.finfo(samples.dtype).eps
        samples = samples.astype("float64")
        expected = np.broadcast_to(expected, samples.shape[1:])
        mean = samples.mean(axis=0)
        error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
        limit = np.maximum(z * error, rounding * np.abs(expected))
        wrong = ~(np.abs(mean - expected) <= limit)  # NaN is wrong, too.
        if np.any(wrong):
            self.fail(
                f"{np.count_nonzero(wrong)} of {wrong.size} means differ from "
                f"what is expected by more than {z} standard errors.\n"
                f"mean: {mean[wrong]}\nexpected: {expected[wrong]}\n"
                f"standard error: {error[wrong]}"
            )
