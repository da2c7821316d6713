"""Tests of numbers that follow a schedule, and of families that hold them."""

import json

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import gates
from keras_l0.gates import schedules
from keras_l0.internal import validation
from tests import test_util


class Constant(schedules.Schedule):
    """A schedule that always has one value."""

    def __init__(self, value):
        self.value = value

    def __call__(self, step):
        return tf.constant(self.value)


def decay(first):
    """From `first`, a tenth of it every 100 steps."""
    return keras.optimizers.schedules.ExponentialDecay(first, 100, 0.1)


def stairs():
    """7 up to step 20, then 70."""
    return keras.optimizers.schedules.PiecewiseConstantDecay([20], [7.0, 70.0])


# What is made, and the names of its schedules.
FAMILIES = (
    ("hard_concrete", lambda: gates.HardConcrete(decay(0.5)), ["temperature"]),
    ("arm", lambda: gates.ARM(stairs(), estimator="ar", initial_k=3), ["k"]),
    ("three_phase", lambda: gates.ARM.three_phase(5, 50, 4.0), ["k"]),
    ("scale", lambda: gates.DiffPrune("clip", decay(0.5)), ["scale"]),
    (
        "scale_and_noise",
        lambda: gates.DiffPrune("clip", decay(2.0), decay(0.25), initial=1),
        ["scale", "noise"],
    ),
    (
        "dependent",
        lambda: gates.DependentHardConcrete(
            "backward", temperature=decay(0.5), penalty="product"
        ),
        ["temperature"],
    ),
    ("no_schedule", lambda: gates.StraightThrough("softplus", 0.3), []),
)


class SchedulesTest(test_util.TestCase):
    def test_check_of_a_number_is_the_check_given(self):
        found = schedules.check("k", np.int64(7), validation.check_positive)
        self.assertEqual(found, 7.0)
        self.assertEqual(type(found), float)
        with self.assertRaisesRegex(ValueError, "`k` must be positive.*k=0"):
            schedules.check("k", 0, validation.check_positive)
        with self.assertRaisesRegex(TypeError, "`k` must be a number.*'7'"):
            schedules.check("k", "7", validation.check_positive)

    def test_check_returns_the_schedule(self):
        schedule = decay(0.5)
        found = schedules.check("k", schedule, validation.check_positive)
        self.assertIs(found, schedule)

    @parameterized.parameters(
        (np.nan, r"`k\(0\)` must be finite. Received: k\(0\)=nan"),
        (-1.0, r"`k\(0\)` must be positive. Received: k\(0\)=-1.0"),
        (0.0, r"`k\(0\)` must be positive. Received: k\(0\)=0.0"),
    )
    def test_first_value_is_checked(self, value, words):
        with self.assertRaisesRegex(ValueError, words):
            schedules.check("k", Constant(value), validation.check_positive)

    @parameterized.parameters(
        (gates.HardConcrete, "temperature"),
        (gates.ARM, "k"),
        (gates.DiffPrune, "scale"),
        (gates.DiffPrune, "noise"),
        (gates.DependentHardConcrete, "temperature"),
    )
    def test_families_check_schedules(self, family, name):
        for value, words in ((np.nan, "be finite"), (-1.0, "(be p|not be n)")):
            with self.assertRaisesRegex(
                ValueError, rf"`{name}\(0\)` must {words}"
            ):
                family(**{name: Constant(value)})

    def test_initial(self):
        self.assertEqual(schedules.initial(0.5), 0.5)
        first = schedules.initial(stairs())
        self.assertEqual(first, 7.0)
        self.assertEqual(type(first), float)

    def test_serialized_leaves_the_rest(self):
        config = {"k": decay(0.5), "rate": 0.5, "rule": "paper", "clamp": None}
        data = schedules.serialized(config)
        self.assertEqual(data["k"]["class_name"], "ExponentialDecay")
        self.assertEqual(data["k"]["config"]["initial_learning_rate"], 0.5)
        del data["k"]
        self.assertEqual(data, {"rate": 0.5, "rule": "paper", "clamp": None})
        self.assertIsInstance(config["k"], schedules.Schedule)

    def test_deserialized(self):
        data = schedules.serialized({"k": decay(0.5), "rule": "paper"})
        data = json.loads(json.dumps(data))
        before = json.dumps(data)
        config = schedules.deserialized(data)
        self.assertEqual(json.dumps(data), before)
        self.assertEqual(config["rule"], "paper")
        self.assertAllClose(config["k"](100), 0.05, rtol=1e-6)


class FamiliesTest(test_util.TestCase):
    @parameterized.named_parameters(*FAMILIES)
    def test_family_survives_serialization(self, make, names):
        gate = make()
        data = keras.saving.serialize_keras_object(gate)
        other = keras.saving.deserialize_keras_object(
            json.loads(json.dumps(data))
        )
        self.assertIs(type(other), type(gate))
        self.assertCountEqual(other.scheduled, names)
        for name, value in vars(gate).items():
            found = getattr(other, name)
            if name not in names:
                self.assertEqual(found, value)
                continue
            for step in (0, 20, 21, 100):
                self.assertEqual(float(found(step)), float(value(step)))

    @parameterized.named_parameters(*FAMILIES)
    def test_from_config(self, make, names):
        gate = make()
        config = gate.get_config()
        other = type(gate).from_config(config)
        self.assertCountEqual(other.scheduled, names)
        self.assertCountEqual(gate.scheduled, names)
        # It was not emptied on the way.
        self.assertEqual(
            json.dumps(type(gate).from_config(config).get_config()),
            json.dumps(config),
        )

    def test_scheduled_are_the_schedules(self):
        gate = gates.DiffPrune("clip", decay(2.0), decay(0.25))
        self.assertIs(gate.scheduled["scale"], gate.scale)
        self.assertIs(gate.scheduled["noise"], gate.noise)

    def test_at_replaces_schedules_in_a_copy(self):
        gate = gates.ARM(stairs(), inference="binary")
        present = gate.at({"k": tf.constant(2.0)})
        self.assertIsInstance(present, gates.ARM)
        self.assertEqual(present.inference, "binary")
        self.assertEmpty(present.scheduled)
        # sigmoid(2 * 0.5)
        self.assertAllClose(
            present.prob_nonzero(tf.constant([0.5])), [0.731058579]
        )
        self.assertIs(type(gate.k), type(stairs()))
        self.assertCountEqual(gate.scheduled, ["k"])

    def test_at_nothing_is_an_equal_copy(self):
        gate = gates.HardConcrete(0.5)
        present = gate.at({})
        self.assertIsNot(present, gate)
        self.assertEqual(present.get_config(), gate.get_config())

    def test_at_reaches_the_temperature(self):
        gate = gates.HardConcrete(decay(0.5)).at(
            {"temperature": tf.constant(2 / 3)}
        )
        # The reference at logits 0 and u = 1/4.
        found = gate.sample(tf.zeros([1]), tf.constant([0.25]))
        self.assertAllClose(found, [0.093668573], rtol=1e-5)


if __name__ == "__main__":
    absltest.main()
