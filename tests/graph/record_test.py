"""Tests of the record of a model."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers

from keras_l0.graph import Node
from keras_l0.graph import Ref
from keras_l0.graph import Scale
from keras_l0.graph import named_weights
from keras_l0.graph import read_graph
from keras_l0.graph import refs
from keras_l0.graph.record import weight_values
from tests.surgery.strip_test_case import StripTestCase


class NodeTest(StripTestCase):
    def test_inputs_are_flat_and_in_order(self):
        args = ([Ref(3), 1.5, (Ref(1),)], None, Ref(3))
        node = Node("n", "op", args, {"b": Ref(5), "a": [Ref(4)]}, [7], {})
        self.assertEqual(node.inputs, [3, 1, 3, 4, 5])

    def test_type_name(self):
        node = Node("n", layers.Dense(1), (), {}, [0], {})
        self.assertEqual(node.type_name, "Dense")


class RefsTest(StripTestCase):
    def test_numbers_in_the_flat_order(self):
        structure = {"b": Ref(1), "a": (Ref(2), [3, Ref(4)]), "c": np.ones(2)}
        self.assertEqual(list(refs(structure)), [2, 4, 1])
        self.assertEqual(list(refs(None)), [])


class WeightsTest(StripTestCase):
    def test_names(self):
        layer = layers.BatchNormalization()
        layer.build((None, 3))
        self.assertEqual(
            list(named_weights(layer)),
            ["gamma", "beta", "moving_mean", "moving_variance"],
        )

    def test_names_that_occur_twice_are_counted(self):
        model = keras.Sequential([layers.Dense(2), layers.PReLU()])
        model.add(layers.Dense(1))
        model.build((None, 3))
        self.assertEqual(
            list(named_weights(model)),
            ["kernel:0", "bias:1", "alpha", "kernel:3", "bias:4"],
        )

    def test_names_of_a_copy_are_the_same(self):
        source = layers.Bidirectional(layers.LSTM(2))
        copy = layers.Bidirectional.from_config(source.get_config())
        for layer in (source, copy):
            layer.build((None, 4, 3))
        self.assertEqual(list(named_weights(source)), list(named_weights(copy)))

    def test_what_is_not_a_layer_has_none(self):
        for operation in (Scale("g", np.ones(2), 1), object()):
            self.assertEqual(named_weights(operation), {})
            self.assertEqual(weight_values(operation), {})

    def test_values_are_copies(self):
        layer = layers.Dense(2)
        layer.build((None, 3))
        values = weight_values(layer)
        layer.kernel.assign(np.ones((3, 2)))
        self.assertNotAllClose(values["kernel"], np.ones((3, 2)))
        self.assertIsInstance(values["kernel"], np.ndarray)


class GraphTest(StripTestCase):
    def setUp(self):
        super().setUp()
        x = keras.Input((4,))
        shared = layers.Dense(4, name="shared")
        y = self.gate(shared, [0, 1, 0.3, 1], name="gate")(x)
        weighed = self.gate(
            layers.Dense(2, name="weighed"), [0] * 8, on="weights", name="w"
        )
        self.model = self.finish(x, [shared(y), weighed(y)])
        self.graph = read_graph(self.model)

    def node(self, name, graph=None):
        nodes = (graph or self.graph).nodes
        return next(node for node in nodes if node.name == name)

    def test_calls(self):
        self.assertEqual(self.graph.calls(self.node("shared").operation), 2)
        self.assertEqual(self.graph.calls(self.node("weighed").operation), 1)

    def test_shapes_and_outputs(self):
        outputs = self.graph.output_tensors()
        self.assertEqual(
            [self.graph.shape(t) for t in outputs], [(None, 4), (None, 2)]
        )

    def test_masks(self):
        x = keras.Input((4,), dtype="int32", name="x")
        y = layers.Embedding(5, 3, mask_zero=True)(x)
        graph = read_graph(keras.Model(x, layers.Dense(2)(y)))
        masked = {n.name: graph.has_mask(n.outputs[0]) for n in graph.nodes}
        self.assertTrue(masked["embedding"])
        self.assertTrue(masked["dense"])
        self.assertFalse(masked["x"])

    def test_opened_has_every_gate_at_1(self):
        opened = self.graph.opened()
        self.assertAllEqual(self.node("gate", opened).operation.gates, [1] * 4)
        own = self.model.get_layer("w").layer.kernel.numpy()
        self.assertAllEqual(self.node("weighed", opened).weights["kernel"], own)
        for gates in opened.gates.values():
            self.assertTrue((gates == 1).all())
        # The graph itself stays as it was.
        self.assertAllEqual(self.node("weighed").weights["kernel"], 0 * own)
        self.assertEqual(self.node("gate").operation.gates[0], 0.0)
        self.assertEqual(self.graph.gates["gate"][0], 0.0)


if __name__ == "__main__":
    absltest.main()
