"""Tests of the interface of gate families, by a family of the test's own."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

import keras_l0
from tests import test_util


@keras.saving.register_keras_serializable("keras_l0_tests")
class Halves(keras_l0.gates.Gate):
    """Hard concrete when drawn; in inference open above `edge`, and then 1."""

    def __init__(self, edge=0.0):
        self.edge = edge

    def distribution(self, logits):
        return keras_l0.distributions.HardConcrete(logits)

    def logits_initializer(self):
        return keras.initializers.Constant(2.0)

    def deterministic_gate(self, logits):
        return tf.cast(logits > self.edge, logits.dtype)

    def get_config(self):
        return {"edge": self.edge}


class GateTest(test_util.TestCase):
    def test_interface_is_abstract(self):
        with self.assertRaisesRegex(
            TypeError, "deterministic_gate.*distribution.*get_config.*logits_"
        ):
            keras_l0.gates.Gate()

    def test_what_a_family_gets_for_nothing(self):
        gate = Halves()
        self.assertIsNone(gate.logits_constraint())
        self.assertTrue(gate.learns_when_closed)
        logits = tf.constant([-1.0, 1.0])
        self.assertAllEqual(
            gate.prob_nonzero(logits), gate.distribution(logits).prob_nonzero()
        )
        self.assertEqual(Halves.from_config({"edge": 3.0}).edge, 3.0)

    def test_family_of_one_s_own_works(self):
        x = np.ones((2, 4), "float32")
        gate = keras_l0.L0Gate(keras.layers.Activation("linear"), Halves(1.5))
        model = keras.Sequential([keras.Input((4,)), gate])
        gate.gate_vector.logits.assign([1.0, 2.0, 1000.0, -1000.0])
        self.assertAllEqual(model(x), [[0, 1, 1, 0]] * 2)
        self.assertAllEqual(model(x, training=True)[:, 2:], [[1, 0]] * 2)
        path = f"{self.create_tempdir().full_path}/model.keras"
        model.save(path)
        other = keras.saving.load_model(path)
        self.assertIsInstance(other.layers[0].gate_vector.gate, Halves)
        self.assertAllEqual(other(x), [[0, 1, 1, 0]] * 2)


if __name__ == "__main__":
    absltest.main()
