"""Tests of the measurement of latency."""

import time

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.export import converter
from keras_l0.report import latency
from tests import test_util


class MedianTimesTest(test_util.TestCase):
    def test_calls_take_turns_forwards_and_backwards(self):
        order = []
        calls = {name: lambda name=name: order.append(name) for name in "abc"}
        latency.median_times(calls, runs=3)
        # Each turn is a call that is not timed and one that is.
        self.assertEqual("".join(order), "aabbcc" + "ccbbaa" + "aabbcc")

    def test_median_of_the_second_call_of_each_turn(self):
        # Every other call is slow: those that fill the caches.
        pauses = {"fast": 0.0, "slow": 0.02}
        count = {"fast": 0, "slow": 0}

        def call(name):
            count[name] += 1
            time.sleep(pauses[name] if count[name] % 2 == 0 else 0.05)

        calls = {name: lambda name=name: call(name) for name in pauses}
        found = latency.median_times(calls, runs=3)
        # Sleeping takes its time at least, and hardly twice of it.
        self.assertLess(found["fast"], 10.0)
        self.assertBetween(found["slow"], 20.0, 45.0)

    def test_ends_in_time_after_ten_rounds(self):
        count = []
        latency.median_times({"a": lambda: count.append(1)}, 1000, seconds=0.0)
        self.assertLen(count, 20)

    def test_no_calls(self):
        self.assertEqual(latency.median_times({}, runs=3), {})


class LitertCallTest(test_util.TestCase):
    def test_runs_on_the_sample(self):
        left = keras.Input((None, 3), name="left")
        right = keras.Input((2,), name="a right")
        pooled = keras.layers.GlobalAveragePooling1D()(left)
        model = keras.Model(
            [left, right], keras.layers.Concatenate()([pooled, right])
        )
        sample = [np.ones((1, 7, 3), "float32"), np.zeros((1, 2), "float32")]
        content = converter.convert(model)
        for num_threads in (1, 2):
            call = latency.litert_call(content, model, sample, num_threads)
            self.assertIsNone(call())
            interpreter = call.__self__
            (details,) = interpreter.get_output_details()
            output = interpreter.get_tensor(details["index"])
            self.assertAllClose(output, [[1.0, 1.0, 1.0, 0.0, 0.0]])


if __name__ == "__main__":
    absltest.main()
