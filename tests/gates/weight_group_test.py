"""Tests of the numbers that stand for a gate's weights."""

import dataclasses

import tensorflow as tf
from absl.testing import absltest

from keras_l0 import gates
from tests import test_util


class WeightGroupTest(test_util.TestCase):
    def test_defaults_are_those_of_a_dense_layer(self):
        group = gates.WeightGroup(300)
        self.assertEqual(
            dataclasses.asdict(group),
            {"size": 300, "positions": 1, "inputs": 1, "previous": 1.0},
        )

    def test_is_frozen(self):
        group = gates.WeightGroup(size=27.0, positions=9, inputs=3)
        with self.assertRaises(dataclasses.FrozenInstanceError):
            group.size = 1.0

    def test_families_charge_for_the_size(self):
        # Dense 3 -> 2: twice the expected number of open gates.
        gate = gates.HardConcrete()
        open_gates = gate.expected_l0(tf.constant([-1.0, 0.0, 2.0]))
        found = gate.expected_weights(open_gates, gates.WeightGroup(2))
        self.assertAllClose(found, 4.901048122, rtol=1e-6)

    def test_size_may_count_the_bias(self):
        # Conv 3x3 of 2 channels; logits 0.5 and -0.5.
        gate = gates.HardConcrete()
        open_gates = gate.expected_l0(tf.constant([0.5, -0.5]))
        for size, expected in ((18, 29.533748941), (19, 31.174512771)):
            group = gates.WeightGroup(size, positions=9, inputs=2)
            found = gate.expected_weights(open_gates, group)
            self.assertAllClose(found, expected, rtol=1e-6)


if __name__ == "__main__":
    absltest.main()
