"""Tests that what needs the training step of an L0Model is refused."""

import keras
import tensorflow as tf
from absl.testing import absltest

from keras_l0 import gates
from keras_l0.layers.needs_train_step import check_plain_model
from keras_l0.layers.needs_train_step import only_in_train_step
from tests import test_util


class OnlyInTrainStepTest(test_util.TestCase):
    def test_values_pass(self):
        drawn = tf.constant([0.0, 0.5, 1.0])
        logits = tf.Variable([1.0, 2.0, 3.0])
        self.assertAllEqual(only_in_train_step(drawn, logits, "g"), drawn)

    def test_gradient_is_refused_though_gates_have_none(self):
        logits = tf.Variable([1.0, 2.0])
        weights = tf.Variable([3.0, 4.0])
        with tf.GradientTape() as tape:
            drawn = tf.cast(logits > 1.5, tf.float32)
            passed = only_in_train_step(drawn, logits, "first")
            value = tf.reduce_sum(weights * passed)
        with self.assertRaisesRegex(RuntimeError, "gate vector 'first'"):
            tape.gradient(value, [logits, weights])

    def test_without_a_tape_over_the_logits_weights_have_a_gradient(self):
        weights = tf.Variable([3.0, 4.0])
        with tf.GradientTape() as tape:
            passed = only_in_train_step(
                tf.constant([0.0, 1.0]), tf.constant([1.0, 2.0]), "first"
            )
            value = tf.reduce_sum(weights * passed)
        self.assertAllEqual(tape.gradient(value, weights), [0.0, 1.0])


class CheckPlainModelTest(test_util.TestCase):
    def test_families_that_plain_models_train(self):
        check_plain_model(gates.HardConcrete(), "first")

    def test_families_and_schedules_that_need_a_step(self):
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(
            [1], [1.0, 2.0]
        )
        cases = {
            "ARM gates cannot be trained": gates.ARM(),
            "schedules of HardConcrete": gates.HardConcrete(temperature=rate),
        }
        for words, gate in cases.items():
            with self.assertRaisesRegex(
                RuntimeError, f"{words}.*L0Model.*gate vector 'first'"
            ):
                check_plain_model(gate, "first")


if __name__ == "__main__":
    absltest.main()
