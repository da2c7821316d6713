"""Tests for BernoulliGate; the contract is tested for all distributions."""

import numpy as np
import tensorflow_probability as tfp
from absl.testing import absltest

from keras_l0 import distributions
from tests.distributions.distribution_test_case import DistributionTestCase

LOGITS = np.array([-4.0, -1.0, 0.0, 0.5, 3.0])


class BernoulliGateTest(DistributionTestCase):
    def test_agrees_with_tfp(self):
        gate = distributions.BernoulliGate(logits=LOGITS)
        oracle = tfp.distributions.Bernoulli(logits=LOGITS)
        for value in (0, 1):
            self.assertAllClose(
                gate.log_prob(float(value)), oracle.log_prob(value)
            )
            self.assertAllClose(gate.cdf(float(value)), oracle.cdf(value))
        self.assertAllClose(gate.mean(), oracle.mean())
        self.assertAllClose(gate.variance(), oracle.variance())
        self.assertAllClose(gate.mode(), oracle.mode())

    def test_both_parametrizations_agree(self):
        probs = 1 / (1 + np.exp(-LOGITS))
        by_probs = distributions.BernoulliGate(probs=probs)
        by_logits = distributions.BernoulliGate(logits=LOGITS)
        for value in (0.0, 0.5, 1.0):
            self.assertAllClose(
                by_probs.log_prob(value), by_logits.log_prob(value)
            )

    def test_quantile_opens_the_upper_part(self):
        gate = distributions.BernoulliGate(probs=0.25)
        u = np.array([0.0, 0.7, 0.75, 0.76, 1.0, -0.1, 1.1], "float32")
        self.assertAllEqual(gate.quantile(u), [0, 0, 0, 1, 1, np.nan, np.nan])

    def test_rules(self):
        gate = distributions.BernoulliGate(
            probs=np.array([0.2, 0.5, 0.8], "float32")
        )
        self.assertAllClose(gate.deterministic_gate(), [0, 0.5, 0.8])
        self.assertAllEqual(gate.deterministic_gate("binary"), [0, 0, 1])

    def test_takes_exactly_one_parameter(self):
        for given in ({}, {"logits": 0.0, "probs": 0.5}):
            with self.assertRaisesRegex(ValueError, "Exactly one of `logits`"):
                distributions.BernoulliGate(**given)

    def test_validate_args_refuses_probs_that_are_none(self):
        with self.assertRaisesRegex(ValueError, "`probs` must lie in"):
            distributions.BernoulliGate(probs=1.5, validate_args=True)


if __name__ == "__main__":
    absltest.main()
