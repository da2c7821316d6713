"""Tests of SubstitutionScope: it substitutes, and loses nothing else."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from keras import layers

from keras_l0.layers.substitution import SubstitutionScope
from tests import test_util

X = np.linspace(-1, 1, 8, dtype="float32").reshape(4, 2)


class SubstitutionScopeTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.layer = layers.Dense(2, use_bias=False)
        self.layer.build((4, 2))
        self.kernel = self.layer.kernel

    def test_layer_computes_with_the_value(self):
        before = self.kernel.numpy()
        value = tf.constant([[1.0, 2.0], [3.0, 4.0]])
        with SubstitutionScope([(self.kernel, value)]):
            y = self.layer(X)
        self.assertAllClose(y, X @ [[1.0, 2.0], [3.0, 4.0]])
        self.assertAllEqual(self.kernel.numpy(), before)
        self.assertAllClose(self.layer(X), X @ before)

    def test_gradient_reaches_what_the_value_was_made_of(self):
        z = tf.constant(0.5)
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = self.kernel.value * z
            with SubstitutionScope([(self.kernel, value)]):
                y = tf.reduce_sum(self.layer(X))
        dz, dw = tape.gradient(y, [z, self.kernel.value])
        columns = np.sum(X, axis=0)
        self.assertAllClose(dz, np.sum(columns @ self.kernel.numpy()))
        self.assertAllClose(dw, 0.5 * np.stack([columns, columns], axis=1))

    def test_updates_are_written_through_at_once(self):
        other = keras.Variable(1.0)
        with SubstitutionScope([(self.kernel, tf.ones((2, 2)))]):
            other.assign(3.0)
            self.assertAllEqual(other, 3.0)
            # Still in the scope.
            self.assertAllEqual(self.kernel, np.ones((2, 2)))
        self.assertAllEqual(other, 3.0)

    def test_update_within_a_loop_is_written_through(self):
        count = keras.Variable(0, dtype="int32")

        @tf.function
        def run():
            def step(i):
                count.assign_add(1)
                return i + 1

            with SubstitutionScope([(self.kernel, tf.ones((2, 2)))]):
                return tf.while_loop(lambda i: i < 5, step, [0])

        run()
        self.assertAllEqual(count, 5)

    def test_gated_variable_cannot_be_assigned(self):
        before = self.kernel.numpy()
        with SubstitutionScope([(self.kernel, tf.ones((2, 2)))]):
            with self.assertRaisesRegex(
                RuntimeError,
                "Variable 'dense/kernel' is gated and assigned in the same "
                "call. Gate the layer's outputs",
            ):
                self.kernel.assign(np.zeros((2, 2)))
        self.assertAllEqual(self.kernel, before)

    def test_scope_is_left_and_entered_again_if_an_update_fails(self):
        other = keras.Variable(1.0)
        with SubstitutionScope([(self.kernel, tf.ones((2, 2)))]):
            with self.assertRaisesRegex(ValueError, "shape"):
                other.assign([1.0, 2.0])
            self.assertAllEqual(self.kernel, np.ones((2, 2)))
        self.assertNotAllEqual(self.kernel, np.ones((2, 2)))

    def test_nested_scopes_know_the_outer_values(self):
        bias, other = keras.Variable([0.0]), keras.Variable(1.0)
        with SubstitutionScope([(self.kernel, tf.ones((2, 2)))]):
            with SubstitutionScope([(bias, tf.constant([5.0]))]) as inner:
                self.assertAllEqual(self.kernel, np.ones((2, 2)))
                self.assertAllEqual(bias, [5.0])
                # Enters and leaves the inner scope.
                other.assign(2.0)
                self.assertAllEqual(self.kernel, np.ones((2, 2)))
            self.assertAllEqual(bias, [0.0])
            self.assertEmpty(inner.losses)
        self.assertNotAllEqual(self.kernel, np.ones((2, 2)))

    def test_stateless_call_gets_the_updates(self):
        # Within a plain scope nothing may be written to the variables.
        other = keras.Variable(1.0)
        with keras.StatelessScope() as scope:
            with SubstitutionScope([(self.kernel, tf.ones((2, 2)))]):
                other.assign(3.0)
        self.assertAllEqual(other, 1.0)
        self.assertAllEqual(scope.get_current_value(other), 3.0)

    def test_losses_are_collected(self):
        layer = layers.Dense(2, activity_regularizer="l1")
        layer.build((4, 2))
        with SubstitutionScope([]) as scope:
            y = layer(X)
        # l1 is 0.01 by default, and Keras divides by the batch size.
        self.assertAllClose(scope.losses, [0.01 * np.sum(np.abs(y)) / 4])
        self.assertEmpty(layer.losses)


if __name__ == "__main__":
    absltest.main()
