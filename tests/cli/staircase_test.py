"""Tests of the staircase."""

import math
from unittest import mock

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import staircase
from keras_l0.cli import timed_layers
from keras_l0.report import latency
from tests import test_util


def dense_layer(units=64):
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(units, name="dense")]
    )
    return timed_layers.choose(model, None, False)[0]


class SuggestTest(parameterized.TestCase):
    @parameterized.parameters(2, 4, 8, 16, 32)
    def test_width_of_the_stairs(self, block):
        times = {w: math.ceil(w / block) for w in range(1, 97)}
        self.assertEqual(staircase.suggest(times), block)

    def test_a_slope_has_no_stairs(self):
        self.assertEqual(
            staircase.suggest({w: float(w) for w in range(1, 33)}), 1
        )

    def test_widths_that_are_slower_than_the_next_multiple(self):
        times = {w: w / 64 + (0.5 if w % 4 else 0.0) for w in range(1, 65)}
        self.assertEqual(staircase.suggest(times), 4)

    def test_too_few_widths(self):
        self.assertIsNone(staircase.suggest({8: 1.0, 16: 2.0, 64: 3.0}))
        self.assertIsNone(staircase.suggest({64: 3.0}))
        self.assertIsNone(staircase.suggest({7: 1.0, 8: 1.0}))
        # Stairs of 16 or finer ones: nobody knows.
        times = {w: float(w) for w in (16, 32, 48, 64)}
        self.assertIsNone(staircase.suggest(times))


class WidthsTest(parameterized.TestCase):
    def test_auto(self):
        self.assertEqual(
            staircase.auto_widths(64),
            [16, *range(17, 33), *range(49, 65)],
        )
        self.assertEqual(staircase.auto_widths(6), [1, 2, 3, 4, 5, 6])
        self.assertEqual(staircase.auto_widths(1), [1])


class MeasureTest(test_util.TestCase):
    def measure(self, widths):
        """Times that are made up: one per block of 8."""

        def median_times(calls, runs):
            self.assertEqual(runs, 7)
            return {name: float(-(-int(name) // 8)) for name in calls}

        with mock.patch.object(latency, "median_times", median_times):
            return staircase.measure(dense_layer(), widths, 7, 1)

    def test_times_and_own_width(self):
        found = self.measure([8, 12, 14])
        self.assertEqual(
            found.milliseconds, {8: 1.0, 12: 2.0, 14: 2.0, 64: 8.0}
        )

    def test_dict(self):
        found = self.measure([57, 60]).to_dict()
        self.assertEqual((found["layer"], found["width"]), ("dense", 64))
        self.assertEqual(found["round_to"], 32)
        self.assertEqual(
            found["times"][0],
            {"width": 57, "milliseconds": 8.0, "relative": 1.0},
        )

    def test_text(self):
        self.assertEqual(
            str(self.measure([8, 32])).split("\n"),
            [
                "dense (Dense), units=64, input (None, 5)",
                "width      ms  to full",
                "8      1.0000      12%  ###",
                "32     4.0000      50%  ############",
                "64     8.0000     100%  ########################",
                "Too few widths to suggest a `--round_to`.",
            ],
        )

    def test_measures_the_layers_themselves(self):
        found = staircase.measure(dense_layer(4), [2], 1, 2)
        self.assertEqual(list(found.milliseconds), [2, 4])
        self.assertGreater(min(found.times()), 0.0)


if __name__ == "__main__":
    absltest.main()
