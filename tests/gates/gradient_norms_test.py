"""Tests of the identity whose gradient is normalized."""

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.gates import gradient_norms
from tests import test_util

# Two features of three rows, flattened: columns (1, 3, -5) and (2, 0, 0).
UPSTREAM = np.array([1, 2, 3, 0, -5, 0], "float32")
DIVISORS = {
    "l2": [np.sqrt(35), 2],
    "rms": [np.sqrt(35 / 3), 2 / np.sqrt(3)],
    "max": [5, 2],
}


def normalized(upstream, features, norm, loss_scale=1.0):
    """The gradient behind the identity where `upstream` comes in."""
    upstream = tf.constant(upstream, tf.float32)
    logits = tf.zeros_like(upstream)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = gradient_norms.normalize_gradient(
            logits, features, gradient_norms.NORMS[norm], loss_scale
        )
        loss = tf.reduce_sum(found * upstream)
    return tape.gradient(loss, logits)


class GradientNormsTest(test_util.TestCase):
    @parameterized.parameters("l2", "rms", "max")
    def test_divides_column_by_column(self, norm):
        found = normalized(UPSTREAM, [(3, 2)], norm)
        expected = UPSTREAM.reshape(3, 2) / DIVISORS[norm]
        self.assertAllClose(found, expected.ravel(), rtol=1e-6)

    def test_each_piece_has_its_own_features(self):
        found = normalized(
            [3, 4, *UPSTREAM, 6, 8], [(2, 1), (3, 2), (1, 2)], "l2"
        )
        middle = UPSTREAM.reshape(3, 2) / DIVISORS["l2"]
        self.assertAllClose(found, [0.6, 0.8, *middle.ravel(), 1, 1], rtol=1e-6)

    @parameterized.parameters("l2", "rms", "max")
    def test_zero_stays_zero(self, norm):
        found = normalized([0, 2, 0, 0, 0, 0], [(3, 2)], norm)
        self.assertAllEqual(found[::2], [0, 0, 0])
        self.assertGreater(float(found[1]), 0)

    @parameterized.parameters("l2", "rms", "max")
    def test_scale_of_the_loss_does_not_matter(self, norm):
        plain = normalized(UPSTREAM, [(3, 2)], norm)
        for scale in (1e-12, 1e-4, 1e4, 1e15):
            found = normalized(scale * UPSTREAM, [(3, 2)], norm)
            # Entries and norms are rounded; 1e-20 of 1e-12 is less.
            self.assertAllClose(found, plain, rtol=2e-6)

    def test_keeps_the_scale_of_mixed_precision(self):
        plain = normalized(UPSTREAM, [(3, 2)], "l2")
        found = normalized(1024 * UPSTREAM, [(3, 2)], "l2", 1024.0)
        self.assertAllClose(found, 1024 * plain, rtol=1e-6)
        found = normalized(UPSTREAM, [(3, 2)], "l2", tf.constant(8.0))
        self.assertAllClose(found, 8 * plain, rtol=1e-6)

    def test_none_leaves_the_gradient(self):
        found = normalized(UPSTREAM, [(3, 2)], None, 1024.0)
        self.assertAllEqual(found, UPSTREAM)

    @parameterized.parameters("l2", "rms", "max", None)
    def test_values_are_the_logits(self, norm):
        logits = tf.constant([-1.0, 0.0, 3.5])
        found = gradient_norms.normalize_gradient(
            logits, [(3, 1)], gradient_norms.NORMS[norm], 2.0
        )
        self.assertAllEqual(found, logits)

    def test_in_a_graph(self):
        traced = tf.function(lambda g: normalized_graph(g))
        found = traced(tf.constant(UPSTREAM))
        self.assertAllClose(found, normalized(UPSTREAM, [(3, 2)], "l2"))


def normalized_graph(upstream):
    """As `normalized`, of a tensor, by `tf.gradients`."""
    logits = tf.zeros([6])
    found = gradient_norms.normalize_gradient(
        logits, [(3, 2)], gradient_norms.NORMS["l2"], 1.0
    )
    return tf.gradients(found, logits, grad_ys=upstream)[0]


if __name__ == "__main__":
    absltest.main()
