"""Tests for DeterministicGate; the contract is tested for all of them."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest

from keras_l0 import distributions
from tests.distributions.distribution_test_case import DistributionTestCase

LOC = np.array([0.0, 0.25, 1.0], "float32")


class DeterministicGateTest(DistributionTestCase):
    def test_every_question_has_one_answer(self):
        gate = distributions.DeterministicGate(LOC)
        for value in (
            gate.sample(seed=tf.constant([1, 2])),
            gate.mean(),
            gate.mode(),
            gate.quantile(0.3),
            gate.deterministic_gate(),
        ):
            self.assertAllEqual(value, LOC)
        self.assertAllEqual(gate.prob(0.25), [0, 1, 0])
        self.assertAllEqual(gate.cdf(0.25), [1, 1, 0])
        self.assertAllEqual(gate.variance(), np.zeros(3))
        self.assertAllEqual(gate.prob_nonzero(), [0, 1, 1])
        self.assertAllEqual(gate.quantile(1.5), np.full(3, np.nan))

    def test_sample_carries_the_gradient(self):
        loc = tf.Variable(LOC)
        with tf.GradientTape() as tape:
            gate = distributions.DeterministicGate(loc)
            z = gate.sample(4, seed=tf.constant([1, 2]))
        self.assertAllEqual(tape.gradient(z, loc), [4, 4, 4])


if __name__ == "__main__":
    absltest.main()
