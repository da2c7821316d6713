"""Tests of how nested models are opened."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

import keras_l0
from keras_l0.graph import Ref
from keras_l0.graph import read_graph
from tests.graph.reader_test_case import ReaderTestCase


class NestedTest(ReaderTestCase):
    def inner(self, **names):
        """A nested model of two inputs, whose names are not in their order."""
        b = keras.Input((3,), name="b")
        a = keras.Input((3,), name="a")
        y = layers.Add(name="sum")([layers.Dense(3, name="only_b")(b), a])
        return keras.Model(names.get("inputs", [b, a]), y, name="inner")

    def test_opened_under_its_name(self):
        x, z = keras.Input((3,), name="x"), keras.Input((3,), name="z")
        graph = self.read(
            [x, z], layers.ReLU(name="relu")(self.inner()([x, z]))
        )
        self.assertEqual(
            self.names(graph)[2:], ["inner/only_b", "inner/sum", "relu"]
        )
        self.assert_connected(graph)
        self.assertEqual(
            self.node(graph, "inner/only_b").inputs,
            self.node(graph, "x").outputs,
        )

    def test_inputs_by_name(self):
        x, z = keras.Input((3,), name="x"), keras.Input((3,), name="z")
        graph = self.read([x, z], self.inner()({"b": x, "a": z}))
        self.assertEqual(
            self.node(graph, "inner/only_b").inputs,
            self.node(graph, "x").outputs,
        )

    def test_inputs_by_keyword(self):
        x = keras.Input((3,), name="x")
        inner = keras.Sequential(
            [keras.Input((3,)), layers.Dense(2, name="dense")], name="inner"
        )
        graph = self.read(x, inner(inputs=x))
        self.assertEqual(self.names(graph), ["x", "inner/dense"])

    def test_called_twice(self):
        x = keras.Input((3,), name="x")
        gated = self.gate(layers.Dense(3, name="dense"), [0, 1, 0.3], name="g")
        inner = keras.Sequential([keras.Input((3,)), gated], name="inner")
        graph = self.read(x, inner(inner(x)))
        self.assertEqual(
            self.names(graph),
            ["x", "inner/dense", "inner/g", "inner/dense_1", "inner/g_1"],
        )
        self.assert_connected(graph)
        self.assertEqual(self.node(graph, "inner/dense_1").inputs, [2])
        self.assertEqual(list(graph.gates), ["inner/g"])

    def test_part_of_the_outer_graph(self):
        # The inner model has tensors of the outer one, which stay themselves.
        x = keras.Input((3,), name="x")
        middle = layers.Dense(3, name="dense")(x)
        inner = keras.Model(x, middle, name="inner")
        graph = self.read(x, layers.Add(name="sum")([inner(middle), middle]))
        (number,) = self.node(graph, "dense").outputs
        inside = self.node(graph, "inner/dense")
        self.assertEqual(inside.inputs, [number])
        self.assertEqual(
            self.node(graph, "sum").inputs, [*inside.outputs, number]
        )

    def test_several_levels(self):
        x = keras.Input((3,), name="x")
        inner = keras.Sequential(
            [keras.Input((3,)), layers.Dense(3, name="dense")], name="inner"
        )
        outer = keras.Sequential([keras.Input((3,)), inner], name="outer")
        graph = self.read(x, outer(x))
        self.assertEqual(self.names(graph), ["x", "outer/inner/dense"])

    def test_output_that_is_an_input(self):
        z = keras.Input((3,))
        inner = keras.Model(z, [z, layers.Dense(2)(z)], name="inner")
        x = keras.Input((3,), name="x")
        graph = self.read(x, inner(x))
        self.assertEqual(graph.outputs[0], Ref(0))

    def test_gates_around_a_nested_model(self):
        x = keras.Input((3,), name="x")
        inner = keras.Sequential(
            [keras.Input((3,)), layers.Dense(2, name="dense")], name="inner"
        )
        graph = self.read(x, self.gate(inner, [0, 1], name="g")(x))
        self.assertEqual(self.names(graph), ["x", "inner/dense", "g"])
        self.assert_connected(graph)

    def assert_whole(self, x, inner):
        graph = self.read(x, inner(x))
        self.assertEqual(self.names(graph)[-1], "inner")
        gated = keras.models.clone_model(
            inner,
            clone_function=lambda layer: (
                keras_l0.L0Gate(layers.Dense(2))
                if layer.name == "dense"
                else layer.__class__.from_config(layer.get_config())
            ),
        )
        with self.assertRaisesRegex(ValueError, "holds gates inside"):
            read_graph(keras.Model(x, gated(x)))

    def test_stays_whole_where_keras_adds_an_axis(self):
        z = keras.Input((1,))
        y = layers.Dense(2, name="dense")(layers.Rescaling(1.0)(z))
        inner = keras.Model(z, y, name="inner")
        self.assert_whole(keras.Input(()), inner)

    @parameterized.parameters(
        ("float64", "int32"), ("float64", "float32"), ("float16", "float32")
    )
    def test_casts_where_keras_casts(self, outer, own):
        x = keras.Input((3,), dtype=outer, name="x")
        z = keras.Input((3,), dtype=own)
        # Neither is cast again by what reads it.
        y = ops.floor_divide(z, ops.cast(2, own)) + ops.exp(z)
        y = self.gate(layers.Dense(2, name="dense"), [0, 1], name="gate")(y)
        inner = keras.Model(z, y, name="inner")
        graph = self.read(x, inner(x))
        self.assertEqual(self.names(graph)[:2], ["x", "inner/cast"])
        self.assert_connected(graph)
        self.assertEqual(graph.specs[1].dtype, own)
        self.strip(self.model, policy="float32")

    def test_casts_a_product_with_an_array(self):
        # float64, and sparse by mistake of Keras.
        self.use("float32")
        x, z = keras.Input((3,), name="x"), keras.Input((3,))
        gated = self.gate(layers.Dense(4), [0, 1, 0, 1], name="gate")
        inner = keras.Model(z, gated(z), name="inner")
        graph = self.read(x, layers.Dense(2)(inner(x * np.arange(3.0))))
        self.assertEqual(self.names(graph)[2], "inner/cast")
        _, report = self.strip(self.model)
        self.assertLess(report.params_after, report.params_before)

    def test_casts_for_each_call(self):
        x = keras.Input((3,), dtype="float32", name="x")
        z = keras.Input((3,), dtype="float64")
        inner = keras.Model(z, layers.Dense(3, name="dense")(z), name="inner")
        graph = self.read(x, inner(inner(x)))
        self.assertEqual(
            self.names(graph),
            ["x", "inner/cast", "inner/dense", "inner/dense_1"],
        )

    def test_sequential_model_casts_twice(self):
        z = keras.Input((3,), dtype="float32")
        inner = keras.Sequential([z, layers.Dense(2, name="dense")])
        inner.name = "inner"
        self.use("float32")
        for given, types in (
            ("float16", ["float64", "float32"]),
            ("float64", ["float32"]),
            ("int32", ["float32"]),
        ):
            x = keras.Input((3,), dtype=given, name="x")
            graph = self.read(x, inner(x))
            casts = [n for n in graph.nodes if n.type_name == "Cast"]
            self.assertEqual([n.operation.dtype for n in casts], types)

    def test_stays_whole_if_it_returns_a_mask(self):
        x = keras.Input((4,), dtype="int32", name="x")
        inner = keras.Sequential(
            [
                keras.Input((4,), dtype="int32"),
                layers.Embedding(5, 3, mask_zero=True),
                layers.Dense(2, name="dense"),
            ],
            name="inner",
        )
        self.assertEqual(self.names(self.read(x, inner(x))), ["x", "inner"])

    def test_stays_whole_if_it_does_more_than_to_run_its_graph(self):
        class Own(keras.Model):
            def call(self, x, training=None):
                return 2.0 * super().call(x, training=training)

        class OwnSequential(keras.Sequential):
            def call(self, x, training=None):
                return 2.0 * super().call(x, training=training)

        z = keras.Input((3,))
        functional = Own(z, layers.Dense(2)(z), name="inner")
        sequential = OwnSequential(
            [keras.Input((3,)), layers.Dense(2)], name="inner"
        )
        for inner in (functional, sequential):
            x = keras.Input((3,), name="x")
            self.assertEqual(self.names(self.read(x, inner(x))), ["x", "inner"])


if __name__ == "__main__":
    absltest.main()
