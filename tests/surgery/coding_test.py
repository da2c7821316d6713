"""Tests of weights that say where they lie."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.graph import Scale
from keras_l0.graph import read_graph
from keras_l0.surgery import coding
from tests import test_util

CODES = {"kernel": np.arange(1.0, 7).reshape(2, 3), "bias": np.r_[7.0, 8, 9]}


class CodesTest(test_util.TestCase):
    def graph(self, layer, logits):
        x = keras.Input((4, 2))
        model = keras.Model(x, keras_l0.L0Gate(layer, name="gate")(x))
        gates = model.get_layer("gate").gate_vector
        gates.logits.assign(logits)
        return model, coding.with_codes(read_graph(model, keep_gates=True))

    def layer_of(self, graph):
        return next(
            node
            for node in graph.nodes
            if node.weights and not isinstance(node.operation, Scale)
        )

    def test_entries_of_a_layer_are_numbered_from_one(self):
        _, graph = self.graph(keras.layers.Dense(3), [3.0] * 3)
        weights = self.layer_of(graph).weights
        self.assertAllEqual(weights["kernel"], [[1, 2, 3], [4, 5, 6]])
        self.assertAllEqual(weights["bias"], [7, 8, 9])

    def test_closed_state_of_a_recurrent_layer_is_read_by_nobody(self):
        model, graph = self.graph(keras.layers.SimpleRNN(3), [3.0, -9.0, 3.0])
        codes = self.layer_of(graph).weights["recurrent_kernel"]
        self.assertAllEqual((codes == 0).all(axis=1), [False, True, False])
        self.assertEqual(np.count_nonzero(codes), 6)
        layer = model.get_layer("gate").layer
        self.assertTrue((layer.cell.recurrent_kernel.numpy() != 0).all())


class DecodeTest(test_util.TestCase):
    def test_indices_of_a_part(self):
        small = {"kernel": CODES["kernel"][:, [0, 2]], "bias": np.r_[7.0, 9]}
        found = coding.decode(small, CODES)
        self.assertAllEqual(found["kernel"], [[0, 2], [3, 5]])
        self.assertAllEqual(found["bias"], [0, 2])

    def test_layer_that_is_copied(self):
        self.assertIsNone(coding.decode(None, CODES))

    @parameterized.parameters(
        [{"kernel": np.zeros((1, 1))}],  # filled up
        [{"bias": np.r_[7.5]}],  # a constant was folded in
        [{"bias": np.r_[1.0]}],  # an entry of another weight
        [{"bias": np.r_[7.0, 7.0]}],  # one entry twice
        [{"kernel": np.r_[7.0]}],
        [{"scale": np.r_[7.0]}],
    )
    def test_what_is_no_part(self, small):
        self.assertIs(coding.decode(small, CODES), False)

    def test_present_weights_are_taken(self):
        layer = keras.layers.Dense(3)
        layer.build((None, 2))
        indices = {"kernel": np.array([[0, 2]]), "bias": np.array([1])}
        taken = coding.taken(layer, indices)
        self.assertAllEqual(taken["kernel"], layer.kernel.numpy()[:1, [0, 2]])
        self.assertAllEqual(taken["bias"], [0.0])


if __name__ == "__main__":
    absltest.main()
