"""Tests of the events that are written for TensorBoard."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest

from keras_l0.callbacks import events
from tests import test_util
from tests.callbacks import event_files


class EventsTest(test_util.TestCase):
    def written(self, write, *arguments):
        """Value and plugin of what `write` writes at step 7."""
        folder = self.create_tempdir().full_path
        writer = tf.summary.create_file_writer(folder)
        with writer.as_default(step=7):
            write("tag", *arguments)
        writer.close()
        value = event_files.read(folder)["tag"][7]
        return value, event_files.plugins(folder)["tag"]

    def test_scalar(self):
        value, plugin = self.written(events.scalar, 0.25)
        self.assertEqual((value.dtype, value.shape), (np.float32, ()))
        self.assertEqual(value, 0.25)
        self.assertEqual(plugin, "scalars")

    def test_histogram_counts_the_values(self):
        values = np.array([[-3.0, -2.9], [6.0, 1.6]], "float32")
        buckets, plugin = self.written(events.histogram, values)
        self.assertEqual(plugin, "histograms")
        self.assertEqual(buckets.shape, (30, 3))
        left, right, counts = buckets.T
        self.assertAllClose(left, -3 + 0.3 * np.arange(30))
        self.assertAllClose(right, -3 + 0.3 * np.arange(1, 31))
        expected = np.zeros(30)
        expected[[0, 15, 29]] = [2, 1, 1]
        self.assertAllEqual(counts, expected)

    def test_histogram_of_equal_values(self):
        buckets, _ = self.written(events.histogram, np.full(5, 2.0))
        self.assertEqual(buckets[:, 2].sum(), 5)
        inside = buckets[buckets[:, 2] > 0]
        self.assertAllEqual((inside[:, 0] <= 2) & (2 <= inside[:, 1]), [True])

    def test_histogram_leaves_out_what_is_not_finite(self):
        values = np.array([1.0, np.inf, np.nan, 2.0, -np.inf])
        buckets, _ = self.written(events.histogram, values)
        self.assertEqual(buckets[:, 2].sum(), 2)
        nothing, _ = self.written(events.histogram, np.array([np.nan]))
        self.assertEqual(nothing[:, 2].sum(), 0)


if __name__ == "__main__":
    absltest.main()
