"""Tests of what replicas do together, where there is but one.

With several: tests/training/distributed_test.py.
"""

import tensorflow as tf
from absl.testing import absltest

from keras_l0.internal import replicas
from tests import test_util


class ReplicasTest(test_util.TestCase):
    def test_one_replica_changes_nothing(self):
        x = tf.constant([1.0, 2.0])
        self.assertEqual(replicas.count(), 1)
        self.assertAllEqual(replicas.total(x), x)
        seed = tf.constant([3, 4])
        self.assertAllEqual(replicas.own_seed(seed), seed)

    def test_joined_keeps_value_and_gradient(self):
        x = tf.constant([1.0, 2.0])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = replicas.joined(x)
            z = y * y
        self.assertAllEqual(y, x)
        self.assertAllEqual(tape.gradient(z, x), 2 * x)

    def test_outside_of_a_step_there_is_one(self):
        strategy = tf.distribute.MirroredStrategy(["CPU:0"])
        with strategy.scope():
            self.assertIsNone(tf.distribute.get_replica_context())
            self.assertEqual(replicas.count(), 1)
            self.assertAllEqual(replicas.total(tf.ones(2)), [1.0, 1.0])


if __name__ == "__main__":
    absltest.main()
