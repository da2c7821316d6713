"""Tests of schedules times a number."""

import keras
from absl.testing import absltest

from keras_l0.surgery.scaled_schedule import ScaledSchedule
from tests import test_util


class ScaledScheduleTest(test_util.TestCase):
    def steps(self):
        return keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)

    def test_values_are_multiplied(self):
        scaled = ScaledSchedule(self.steps(), 3.0)
        # Linear, from 1 to 0 in ten steps.
        values = [float(scaled(step)) for step in (0, 5, 10)]
        self.assertAllClose(values, [3.0, 1.5, 0.0])

    def test_factors_multiply(self):
        twice = ScaledSchedule(ScaledSchedule(self.steps(), 3.0), 2.0)
        self.assertEqual(float(twice(0)), 6.0)
        self.assertNotIsInstance(twice.schedule, ScaledSchedule)

    def test_serialization(self):
        config = keras.saving.serialize_keras_object(
            ScaledSchedule(self.steps(), 3.0)
        )
        copy = keras.saving.deserialize_keras_object(config)
        self.assertIsInstance(copy, ScaledSchedule)
        self.assertEqual(float(copy(5)), 1.5)


if __name__ == "__main__":
    absltest.main()
