"""Tests of the interface with a gate that is known to be 1 or 0."""

import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import absltest

from keras_l0.distributions import GateDistribution
from tests.distributions.distribution_test_case import DistributionTestCase


class _Bare(GateDistribution):
    """Implements nothing of its own."""

    def __init__(self, shape=()):
        parameters = dict(locals())
        self.shape = shape
        super().__init__(
            dtype=tf.float32,
            reparameterization_type=tfp.distributions.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name="Bare",
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}

    def _batch_shape(self):
        return tf.TensorShape(self.shape)


class _Constant(_Bare):
    deterministic_rules = ("open", "closed")

    def _prob_nonzero(self):
        return tf.ones([])

    def _deterministic_gate(self, rule):
        return tf.constant(1.0 if rule == "open" else 0.0)


class GateDistributionTest(DistributionTestCase):
    def test_first_rule_is_the_default(self):
        self.assertAllEqual(_Constant().deterministic_gate(), 1.0)
        self.assertAllEqual(_Constant().deterministic_gate("closed"), 0.0)
        self.assertAllEqual(_Constant().deterministic_gate(rule="open"), 1.0)

    def test_gate_is_broadcast_to_the_batch(self):
        gate = _Constant([2, 3]).deterministic_gate()
        self.assertAllEqual(gate, tf.ones([2, 3]))

    def test_unknown_rule_raises(self):
        with self.assertRaisesRegex(
            ValueError,
            r"Unknown `rule`. Expected one of \('open', 'closed'\). "
            "Received: rule='paper'",
        ):
            _Constant().deterministic_gate("paper")

    def test_names_are_those_of_the_operations(self):
        with tf.Graph().as_default():
            gate = _Constant([2]).deterministic_gate(name="inference")
            prob = _Constant().prob_nonzero(name="penalty")
        self.assertIn("inference/", gate.name)
        self.assertIn("penalty/", prob.name)

    def test_missing_methods_are_named(self):
        with self.assertRaisesRegex(
            NotImplementedError, "_Bare does not implement `prob_nonzero`"
        ):
            _Bare().prob_nonzero()
        with self.assertRaisesRegex(ValueError, r"Expected one of \(\)"):
            _Bare().deterministic_gate()

        class Ruled(_Bare):
            deterministic_rules = ("paper",)

        with self.assertRaisesRegex(
            NotImplementedError, "Ruled does not implement `deterministic_gate`"
        ):
            Ruled().deterministic_gate()


if __name__ == "__main__":
    absltest.main()
