"""Tests how two steps take turns, and what is made of their times."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

from benchmarks import step_timing
from tests import test_util


class StepTimingTest(test_util.TestCase):
    def test_ratio_is_median_of_pairs(self):
        # One slow pair shifts the ratio of the means, not the median.
        times = np.array([[1.0, 2.0], [10.0, 20.0], [1.0, 90.0]])
        found = step_timing.summary(times)
        self.assertEqual(found["ratio"], 2.0)
        self.assertEqual(found["ratio_quartiles"], [2.0, 46.0])
        self.assertEqual((found["dense_ms"], found["ms"]), (1.0, 20.0))
        self.assertEqual(found["pairs"], 3)

    def test_first_stays_first_whoever_begins(self):
        calls = []
        first = lambda: calls.append("first") or 1.0
        second = lambda: calls.append("second") or 2.0
        times = step_timing.take_turns(first, second, 2, 60.0, warm_up=0)
        self.assertAllEqual(times, [[1.0, 2.0]] * 2)
        self.assertEqual(calls, ["second", "first", "first", "second"])

    def test_warm_up_does_not_count(self):
        steps = iter(range(100))
        times = step_timing.take_turns(
            lambda: next(steps), lambda: -1, 3, 60.0, warm_up=5
        )
        self.assertAllEqual(times[:, 0], [5, 6, 7])

    def test_time_ends_it_behind_twenty_pairs(self):
        times = step_timing.take_turns(lambda: 1, lambda: 1, 400, 0.0)
        self.assertLen(times, 20)

    def test_step_trains(self):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        batch = tf.ones((2, 4)), tf.constant([0, 1])
        step = step_timing.training_step(model, batch, jit_compile=False)
        before = model.layers[0].kernel.numpy()
        self.assertGreater(step(), 0)
        self.assertNotAllEqual(before, model.layers[0].kernel.numpy())


if __name__ == "__main__":
    absltest.main()
