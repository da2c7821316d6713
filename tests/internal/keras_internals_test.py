"""Tests of the one file that names private parts of Keras.

A release of Keras that moves those parts fails here first.
"""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from keras import layers
from keras import ops

from keras_l0.internal import keras_internals
from tests import test_util

X = np.ones((2, 4), "float32")


class Counts(layers.Layer):
    """Adds how often its shared value has been made."""

    made = 0

    def __init__(self, key="key"):
        super().__init__()
        self.key = key

    def make(self):
        Counts.made += 1
        return float(Counts.made)

    def call(self, inputs):
        return inputs + keras_internals.once_per_call(self.key, self.make)


class OncePerCallTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        Counts.made = 0

    def test_value_is_made_once_per_outermost_call(self):
        inner = keras.Sequential([Counts(), Counts()])
        model = keras.Sequential([keras.Input((4,)), inner, Counts()])
        Counts.made = 0
        self.assertAllEqual(model(0 * X), 3 * X)
        self.assertAllEqual(model(0 * X), 6 * X)
        self.assertEqual(Counts.made, 2)

    def test_each_key_has_its_value(self):
        model = keras.Sequential([keras.Input((4,)), Counts("a"), Counts("b")])
        Counts.made = 0
        self.assertAllEqual(model(0 * X), 3 * X)

    def test_nothing_is_kept_outside_of_a_call(self):
        layer = Counts()
        values = [
            keras_internals.once_per_call("key", layer.make) for _ in range(2)
        ]
        self.assertEqual(values, [1, 2])
        self.assertAllEqual(layer(0 * X), 3 * X)

    def test_no_context_is_left_behind(self):
        # A context that nobody ends would collect every later loss.
        keras_internals.once_per_call("key", lambda: 1)
        layer = layers.Dense(2, activity_regularizer="l2")
        for _ in range(2):
            layer(X)
            self.assertLen(layer.losses, 1)

    def test_failure_is_not_kept(self):
        def fail():
            raise ArithmeticError("on purpose")

        class Tries(layers.Layer):
            def call(self, inputs):
                try:
                    keras_internals.once_per_call("key", fail)
                except ArithmeticError:
                    return inputs + keras_internals.once_per_call(
                        "key", lambda: 5.0
                    )

        self.assertAllEqual(Tries()(0 * X), 5 * X)


class LayersTest(test_util.TestCase):
    def test_flatten_layers_yields_each_once(self):
        shared = layers.Dense(4, name="shared")
        inner = keras.Sequential([shared, layers.ReLU(name="relu")])
        outer = keras.Sequential(
            [shared, layers.TimeDistributed(inner, name="time")]
        )
        found = list(keras_internals.flatten_layers(outer))
        self.assertIs(found[0], outer)
        self.assertLen({id(layer) for layer in found}, len(found))
        self.assertContainsSubset([shared, inner, *inner.layers], found)

    def test_own_trainable_variables(self):
        inner = layers.BatchNormalization()
        inner.build((2, 4))
        outer = keras.Sequential([keras.Input((4,)), inner])
        for trainable in (True, False):
            outer.trainable = trainable
            found = keras_internals.own_trainable_variables(inner)
            self.assertEqual([v.name for v in found], ["gamma", "beta"])
            self.assertEmpty(keras_internals.own_trainable_variables(outer))

    def test_full_precision(self):
        exact = 1 + 2**-20  # float16 would make it 1

        class Reads(layers.Layer):
            def build(self, input_shape):
                self.w = self.add_weight(shape=(), name="w")

            def call(self, inputs):
                half = tf.convert_to_tensor(self.w)
                return half, keras_internals.full_precision(self.w)

        layer = Reads(dtype="mixed_float16")
        layer.build(None)
        layer.w.assign(exact)
        half, full = layer(X)
        self.assertEqual((half.dtype, full.dtype), (tf.float16, tf.float32))
        self.assertEqual((half.numpy(), full.numpy()), (1.0, exact))
        with tf.GradientTape() as tape:
            _, full = layer(X)
        self.assertAllEqual(tape.gradient(full, layer.w.value), 1.0)


class GraphTest(test_util.TestCase):
    def test_functional_nodes_follow_what_feeds_them(self):
        x = keras.Input((4,), name="x")
        left = layers.Dense(4, name="left")
        y = ops.multiply(left(x), 2.0)
        model = keras.Model(x, layers.Add(name="sum")([left(y), x]))
        nodes = keras_internals.functional_nodes(model)
        names = [node.operation.name for node in nodes]
        self.assertCountEqual(names, ["x", "left", "multiply", "left", "sum"])
        known = set()
        for node in nodes:
            self.assertEqual(node.is_input, node.operation.name == "x")
            tensors = keras.tree.flatten(
                (node.arguments.args, node.arguments.kwargs)
            )
            given = {id(t) for t in tensors if isinstance(t, keras.KerasTensor)}
            self.assertContainsSubset(given, known)
            known.update(id(tensor) for tensor in node.outputs)

    def test_other_models_have_no_nodes(self):
        class OwnCall(keras.Model):
            def call(self, inputs):
                return 2 * super().call(inputs)

        x = keras.Input((4,))
        for model in (
            keras.Sequential([keras.Input((4,)), layers.Dense(1)]),
            OwnCall(x, layers.Dense(1)(x)),
            keras.Model(),
        ):
            self.assertIsNone(keras_internals.functional_nodes(model))

    def test_has_mask(self):
        ids = keras.Input((5,), dtype="int32")
        masked = layers.Embedding(7, 3, mask_zero=True)(ids)
        plain = layers.Embedding(7, 3)(ids)
        self.assertTrue(keras_internals.has_mask(masked))
        self.assertFalse(keras_internals.has_mask(plain))

    def test_operation_names_become_unique(self):
        x = keras.Input((4,))
        y = layers.Dense(4, name="multiply")(ops.add(x, 1.0))
        keras.utils.clear_session()  # Names are counted from the start.
        y = ops.multiply(ops.add(y, 1.0), 2.0)
        with self.assertRaisesRegex(ValueError, "unique"):
            keras.Model(x, y)
        keras_internals.make_operation_names_unique([y])
        model = keras.Model(x, y)
        names = [operation.name for operation in model.operations]
        self.assertLen(set(names), 5)
        self.assertEqual(names[2], "multiply")  # The layer keeps its name.
        self.assertContainsSubset(["add", "add_1", "multiply_1"], names)


if __name__ == "__main__":
    absltest.main()
