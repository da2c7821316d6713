"""Tests of how a Keras model is read."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

import keras_l0
from keras_l0.graph import Ref
from keras_l0.graph import Scale
from keras_l0.graph import read_graph
from tests.graph.reader_test_case import ReaderTestCase


class ChainTest(ReaderTestCase):
    def test_layers_and_operations(self):
        x = keras.Input((4,), name="x")
        y = layers.Dense(3, name="dense")(x)
        graph = self.read(x, layers.ReLU(name="relu")(y * 2.0))
        self.assertEqual(
            [node.type_name for node in graph.nodes],
            ["InputLayer", "Dense", "Multiply", "ReLU"],
        )
        self.assert_connected(graph)
        self.assertEqual(graph.nodes[2].args, (Ref(1), 2.0))
        self.assertEqual(graph.inputs, Ref(0))
        self.assertEqual(graph.outputs, Ref(3))
        self.assertEqual(graph.gates, {})

    def test_weights_are_copied(self):
        x = keras.Input((4,))
        graph = self.read(x, layers.Dense(3, name="dense")(x))
        value = self.node(graph, "dense").weights["kernel"]
        kernel = self.model.get_layer("dense").kernel
        self.assertAllEqual(value, kernel)
        kernel.assign(0.0 * kernel)
        self.assertNotAllEqual(value, kernel)

    def test_what_keras_notes_unasked_is_left_out(self):
        x = keras.Input((4, 3))
        y = layers.BatchNormalization(name="norm")(x)
        graph = self.read(
            x, layers.Dropout(0.5, name="drop")(y, training=False)
        )
        for name in ("norm", "drop"):
            self.assertEqual(self.node(graph, name).kwargs, {})

    def test_several_inputs_and_outputs(self):
        a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
        parts = ops.split(layers.Concatenate()([a, b]), [2], axis=-1)
        graph = self.read({"b": b, "a": a}, {"z": parts[1], "y": [parts[0], a]})
        self.assert_connected(graph)
        split = next(n for n in graph.nodes if n.type_name == "Split")
        self.assertLen(split.outputs, 2)
        self.assertEqual(graph.outputs["z"], Ref(split.outputs[1]))
        self.assertEqual(graph.outputs["y"][0], Ref(split.outputs[0]))
        self.assertEqual(graph.outputs["y"][1], graph.inputs["a"])

    def test_shared_layers_are_counted(self):
        x = keras.Input((4,), name="x")
        shared = layers.Dense(4, name="shared")
        graph = self.read(x, shared(shared(x)))
        self.assertEqual(self.names(graph), ["x", "shared", "shared_1"])
        self.assertEqual(graph.calls(shared), 2)

    def test_variables_in_calls_become_arrays(self):
        x = keras.Input((4,))
        variable = keras.Variable(np.arange(4.0))
        graph = self.read(x, layers.ReLU()(x * variable))
        value = graph.nodes[1].args[1]
        self.assertIsInstance(value, np.ndarray)
        self.assertAllEqual(value, np.arange(4.0))

    @parameterized.parameters(True, False)
    def test_sequential(self, with_input):
        first = [keras.Input((4,), name="x")] if with_input else []
        model = keras.Sequential([*first, layers.Dense(3), layers.ReLU()])
        model(np.zeros((2, 4)))
        graph = read_graph(model)
        self.assertEqual(
            [node.type_name for node in graph.nodes],
            ["InputLayer", "Dense", "ReLU"],
        )
        self.assertIsInstance(graph.inputs, Ref)
        self.assertIsInstance(graph.outputs, Ref)

    def test_model_is_not_touched(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(3), [0, 1, 0.3])(x)
        model = self.finish(x, layers.Dense(2)(y))
        counts = [len(op._inbound_nodes) for op in model.operations]
        read_graph(model)
        self.assertEqual(
            [len(op._inbound_nodes) for op in model.operations], counts
        )


class GatesTest(ReaderTestCase):
    def setUp(self):
        super().setUp()
        self.x = keras.Input((3, 4), name="x")

    def scale(self, graph, name="gate"):
        scale = self.node(graph, name).operation
        self.assertIsInstance(scale, Scale)
        self.assertEqual(scale.name, name)
        return scale

    def test_outputs(self):
        dense = layers.Dense(3, name="dense")
        gated = self.gate(dense, [0, 1, 0.3], name="gate")
        graph = self.read(self.x, gated(self.x))
        self.assertEqual(self.names(graph), ["x", "dense", "gate"])
        self.assert_connected(graph)
        scale = self.scale(graph)
        self.assertAllClose(scale.gates, [0, 1, 0.3], rtol=1e-6)
        self.assertEqual(scale.gates.dtype, np.float64)
        self.assertEqual(scale.axis, 2)
        self.assertAllEqual(graph.gates["gate"], scale.gates)
        self.assertEqual(graph.outputs, Ref(graph.nodes[-1].outputs[0]))

    def test_inputs(self):
        dense = layers.Dense(2, name="dense")
        gated = self.gate(dense, [0, 1, 0.3], on="inputs", axis=1, name="gate")
        graph = self.read(self.x, gated(self.x))
        self.assertEqual(self.names(graph), ["x", "gate", "dense"])
        self.assert_connected(graph)
        self.assertEqual(self.scale(graph).axis, 1)

    def test_weights(self):
        gates = np.array([[0, 1], [0.3, 0], [1, 1], [0, 0]])
        dense = layers.Dense(2, name="dense")
        gated = self.gate(dense, gates.ravel(), on="weights", name="gate")
        graph = self.read(self.x, gated(self.x))
        self.assertEqual(self.names(graph), ["x", "dense"])
        weights = self.node(graph, "dense").weights
        self.assertAllClose(
            weights["kernel"], dense.kernel.numpy() * gates, rtol=1e-6
        )
        self.assertAllEqual(weights["bias"], dense.bias)
        self.assertAllClose(graph.gates["gate"], gates.ravel(), rtol=1e-6)

    def test_gates_on_outputs_and_inputs_of_one_layer(self):
        dense = layers.Dense(3, name="dense")
        inner = self.gate(dense, [0, 1, 1, 0.3], on="inputs", name="inner")
        outer = self.gate(inner, [0, 1, 0.3], name="outer")
        graph = self.read(self.x, outer(self.x))
        self.assertEqual(self.names(graph), ["x", "inner", "dense", "outer"])
        self.assert_connected(graph)
        self.assertEqual(list(graph.gates), ["outer", "inner"])

    def test_merging_layer(self):
        gated = self.gate(layers.Add(name="add"), [0, 1, 0.3, 1], name="gate")
        graph = self.read(self.x, gated([self.x, self.x]))
        self.assertEqual(self.names(graph), ["x", "add", "gate"])
        self.assertEqual(self.node(graph, "add").inputs, [0, 0])

    def test_gate_that_is_called_twice(self):
        gated = self.gate(
            layers.Dense(4, name="dense"), [0, 1, 0.3, 1], name="g"
        )
        graph = self.read(self.x, gated(gated(self.x)))
        self.assertEqual(
            self.names(graph), ["x", "dense", "g", "dense_1", "g_1"]
        )
        self.assertEqual(list(graph.gates), ["g"])

    def test_mask_goes_to_layers_that_take_one(self):
        x = keras.Input((4,), dtype="int32")
        y = layers.Embedding(5, 3, mask_zero=True)(x)
        dense = self.gate(layers.Dense(2, name="dense"), [0, 1])(y)
        lstm = layers.LSTM(2, return_sequences=True, name="lstm")
        graph = self.read(x, self.gate(lstm, [0, 1])(dense))
        self.assertEqual(self.node(graph, "dense").kwargs, {})
        self.assertEqual(list(self.node(graph, "lstm").kwargs), ["mask"])

    def test_hidden_gates_raise(self):
        hidden = keras_l0.L0Gate(layers.Dense(2))
        for layer in (
            layers.TimeDistributed(hidden, name="outer"),
            keras_l0.L0Gate(layers.TimeDistributed(hidden, name="outer")),
            keras_l0.L0Gate(
                layers.TimeDistributed(hidden, name="outer"), on="weights"
            ),
        ):
            model = keras.Model(self.x, layer(self.x))
            with self.assertRaisesRegex(
                ValueError,
                r"Layer 'outer' \(TimeDistributed\) holds gates inside",
            ):
                read_graph(model)


class RefusalsTest(ReaderTestCase):
    @parameterized.parameters("model", None, 3)
    def test_something_else_than_a_model(self, value):
        with self.assertRaisesRegex(
            TypeError,
            f"`model` must be a `keras.Model`. Received: model={value!r}",
        ):
            read_graph(value)

    def test_model_that_is_not_built(self):
        with self.assertRaisesRegex(ValueError, "Model 'm' is not built"):
            read_graph(keras.Sequential([layers.Dense(1)], name="m"))

    def test_sequential_of_structures_has_no_graph(self):
        class Sum(layers.Layer):
            def call(self, inputs):
                return inputs["a"] + inputs["b"]

        model = keras.Sequential([Sum()])
        x = {"a": np.ones((1, 2)), "b": np.ones((1, 2))}
        model(x)
        with self.assertRaisesRegex(ValueError, "is not built|no graph|in its"):
            read_graph(model)


if __name__ == "__main__":
    absltest.main()
