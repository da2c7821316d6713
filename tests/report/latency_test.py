"""Tests of the measurement of latency."""

import itertools
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.export import converter
from keras_l0.report import latency
from tests import test_util


class Clock:
    """A clock that only the calls under test move on."""

    def __init__(self):
        self.now = 0.0

    def perf_counter_ns(self):
        return int(self.now * 1e9)

    def monotonic(self):
        return self.now


class MedianTimesTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = Clock()
        self.enter_context(mock.patch.object(latency, "time", self.clock))

    def takes(self, *seconds):
        """A call that takes each of `seconds` in turn, again and again."""
        durations = itertools.cycle(seconds)

        def call():
            self.clock.now += next(durations)

        return call

    def test_calls_take_turns_forwards_and_backwards(self):
        order = []
        calls = {name: lambda name=name: order.append(name) for name in "abc"}
        latency.median_times(calls, runs=3)
        # Each turn is a call that is not timed and one that is.
        self.assertEqual("".join(order), "aabbcc" + "ccbbaa" + "aabbcc")

    def test_median_of_the_second_call_of_each_turn(self):
        calls = {
            "steady": self.takes(7.0, 0.25),
            "disturbed": self.takes(0.0, 1.0, 0.0, 2.0, 0.0, 64.0),
        }
        self.assertEqual(
            latency.median_times(calls, runs=3, seconds=1e9),
            {"steady": 250.0, "disturbed": 2000.0},
        )

    def test_ends_in_time_after_ten_rounds(self):
        count = []

        def call():
            count.append(1)
            self.clock.now += 1.0

        latency.median_times({"a": call}, 1000, seconds=5.0)
        self.assertLen(count, 20)
        count.clear()
        latency.median_times({"a": call}, 1000, seconds=99.0)
        self.assertLen(count, 100)

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
