"""Networks whose tensors are read in several ways."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import outputs
from tests.surgery.strip_test_case import units

GATES = [0, 1, 0.3, 0, 0.8]


class OutputsTest(StripTestCase):
    """What the user sees keeps its shape."""

    def test_gate_on_a_model_output(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5), GATES, name="gate")(x)
        small, report = self.strip(self.finish(x, y))
        self.assertEqual(small.output_shape, (None, 5))
        self.assertEqual(report.layers[0].units_after, 3)
        data = self.rng.normal(size=(2, 4))
        self.assertAllEqual(
            outputs(small, data)[0][:, [0, 3]], np.zeros((2, 2))
        )

    def test_intermediate_outputs(self):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 2, activation="relu"), GATES)(x)
        z = layers.BatchNormalization()(y)
        self.strip(self.finish(x, [y, z, layers.Dense(2)(z), x, y]))

    def test_gated_model_input(self):
        x = keras.Input((5,), name="features")
        y = self.gate(layers.Dense(3, name="first"), GATES, on="inputs")(x)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(small.input_shape, (None, 5))
        self.assertEqual(small.get_layer("first").kernel.shape, (3, 3))

    @parameterized.parameters("dict", "list", "tuple", "nested")
    def test_structures(self, kind):
        a, b = keras.Input((3,), name="a"), keras.Input((4,), name="b")
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(b)
        z = layers.Add()([layers.Dense(5)(a), y])
        inputs, ends = {
            "dict": ({"b": b, "a": a}, {"z": z, "y": y}),
            "list": ([b, a], [z, y]),
            "tuple": ((a, b), (y, z)),
            "nested": ({"a": a, "b": b}, {"z": [z, y], "a": a}),
        }[kind]
        model = self.finish(inputs, ends)
        small, _ = self.strip(model)
        x = self.data(model)
        keras.tree.assert_same_structure(
            small(x, training=False), model(x, training=False)
        )


class PathsTest(StripTestCase):
    """Tensors that are read in several ways."""

    def test_diamond(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        left = layers.Dense(5, activation="gelu")(y)
        z = layers.Add()([left, y])
        self.strip(self.finish(x, layers.Dense(2)(layers.Add()([z, y]))))

    def test_flatten_and_global_pooling_of_one_tensor(self):
        x = keras.Input((5, 4, 3))
        conv = layers.Conv2D(5, 2, activation="sigmoid", name="conv")
        y = layers.Activation("softplus")(self.gate(conv, GATES)(x))
        ends = [
            layers.Dense(3, name="flat")(layers.Flatten()(y)),
            layers.Dense(3, name="mean")(layers.GlobalAveragePooling2D()(y)),
        ]
        small, _ = self.strip(self.finish(x, layers.Add()(ends)))
        self.assertEqual(units(small, "conv"), 3)
        self.assertEqual(small.get_layer("flat").kernel.shape[0], 4 * 3 * 3)
        self.assertEqual(small.get_layer("mean").kernel.shape[0], 3)

    def test_add_of_a_tensor_to_itself(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(x)
        self.strip(self.finish(x, layers.Dense(2)(layers.Add()([y, y]))))

    def test_concatenation_of_a_tensor_with_itself(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        y = layers.Activation("sigmoid")(layers.Concatenate()([y, x, y]))
        small, _ = self.strip(self.finish(x, layers.Dense(2, name="end")(y)))
        self.assertEqual(small.get_layer("end").kernel.shape[0], 3 + 4 + 3)

    def test_cascade_of_concatenations(self):
        y = x = keras.Input((5, 5, 2))
        for i in range(3):
            conv = layers.Conv2D(5, 3, padding="same", activation="relu")
            grown = self.gate(conv, np.roll(GATES, i))(y)
            y = layers.Concatenate()([y, grown])
            y = layers.BatchNormalization()(y)
        self.strip(self.finish(x, layers.GlobalMaxPooling2D()(y)))

    def test_concatenation_along_another_axis(self):
        x = keras.Input((4, 3))
        parts = [
            self.gate(layers.Dense(5), gates)(x)
            for gates in (GATES, GATES[::-1])
        ]
        y = layers.Concatenate(axis=1)(parts)
        y = layers.Conv1D(2, 2)(layers.Activation("sigmoid")(y))
        self.strip(self.finish(x, y))

    def test_shared_layer_fed_by_two_gated_ones(self):
        x = keras.Input((4,))
        shared = layers.Dense(3)
        left, right = (
            self.gate(layers.Dense(5, activation="softplus"), gates)(x)
            for gates in (GATES, GATES[::-1])
        )
        self.strip(self.finish(x, [shared(left), shared(right)]))

    def test_nested_model_that_is_called_twice(self):
        z = keras.Input((4,))
        inner = self.gate(layers.Dense(5, activation="gelu"), GATES)(z)
        inner = keras.Model(z, layers.Dense(4)(inner), name="inner")
        x = keras.Input((4,))
        self.strip(self.finish(x, inner(inner(x))))

    def test_gates_around_a_nested_model(self):
        inner = keras.Sequential(
            [keras.Input((4,)), layers.Dense(6), layers.Dense(5, name="last")],
            name="inner",
        )
        inner(np.zeros((1, 4)))
        x = keras.Input((4,))
        y = self.gate(inner, GATES)(x)
        _, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        rows = {row.name: row.units_after for row in report.layers}
        self.assertEqual(rows["inner/last"], 3)

    def test_sum_that_is_read_for_its_constants_only(self):
        # What is left of the sum is a constant, under padding; the branch that
        # carries it holds another channel for somebody else.
        x = keras.Input((5, 5, 2))
        first, second = (layers.Conv2D(2, 1, name=n) for n in ("a", "b"))
        a, b = first(x), second(x)
        y = layers.Add()([a, b])
        y = self.gate(layers.Activation("linear"), [0, 1])(y)
        y = layers.Conv2D(2, 3, padding="same")(y)
        model = self.finish(x, [y, layers.Conv2D(2, 1)(a)])
        for layer in (first, second):
            layer.kernel.assign(layer.kernel.numpy() * [1, 0])
        self.strip(model)


class ResidualTest(StripTestCase):
    def block(self, x, gates, activation="relu", name="inner"):
        y = layers.Conv2D(5, 3, padding="same", activation="relu", name=name)(x)
        y = layers.BatchNormalization()(y)
        y = layers.Conv2D(4, 3, padding="same", activation=activation)(y)
        return layers.Add()([x, self.gate(layers.Identity(), gates)(y)])

    def test_dead_branch_vanishes(self):
        x = keras.Input((5, 5, 4))
        y = self.block(x, [0, 0, 0, 0])
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(
            [type(la).__name__ for la in small.layers], ["InputLayer", "Dense"]
        )
        self.assertEqual(report.params_after, 4 * 2 + 2)

    def test_dead_branch_that_leaves_a_constant(self):
        x = keras.Input((5, 5, 4))
        dead = self.gate(layers.Conv2D(4, 3, padding="same"), [0] * 4)(x)
        dead = layers.Activation("sigmoid")(dead)
        y = layers.Add()([dead, x])
        small, _ = self.strip(self.finish(x, layers.Conv2D(2, 3)(y)))
        self.assertEqual(small.count_params(), 9 * 4 * 2 + 2)
        self.assertLen(small.layers, 2)

    def test_chain_of_blocks(self):
        y = x = keras.Input((5, 5, 4))
        for i, gates in enumerate(
            ([0, 1, 0.3, 1], [0, 0, 0, 0], [0, 0, 1, 0.5])
        ):
            y = self.block(y, gates, "gelu", name=f"inner{i}")
        y = layers.GlobalAveragePooling2D()(y)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    def test_union_of_the_branches_is_kept(self):
        x = keras.Input((4,))
        left = self.gate(layers.Dense(5, name="left"), [0, 0, 1, 1, 0.3])(x)
        right = self.gate(layers.Dense(5, name="right"), [0, 1, 1, 0, 0])(x)
        y = layers.ReLU(name="sum")(layers.Add()([left, right]))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(units(small, "left"), 3)
        self.assertEqual(units(small, "right"), 2)
        self.assertEqual(units(small, "sum"), 4)


if __name__ == "__main__":
    absltest.main()
