"""Tests of how a plan becomes a model."""

import keras
import numpy as np
from absl.testing import absltest
from keras import layers
from keras import ops

import keras_l0
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import outputs


class RebuildTest(StripTestCase):
    def test_names_and_order_stay(self):
        x = keras.Input((5,), name="in")
        y = self.gate(layers.Dense(4, name="one"), [1, 0, 1, 0.5], name="g")(x)
        y = layers.ReLU(name="two")(y)
        model = self.finish(x, layers.Dense(2, name="three")(y))
        small, _ = self.strip(model)
        self.assertEqual(small.name, model.name)
        self.assertEqual(
            [layer.name for layer in small.layers],
            ["in", "one", "two", "three"],
        )

    def test_nothing_is_shared_with_the_source(self):
        x = keras.Input((5,))
        y = self.gate(layers.Dense(4), [1, 0, 1, 0.5])(x)
        variable = keras.Variable(np.ones(4))
        y = layers.LayerNormalization()(y * variable)
        model = self.finish(x, y)
        small, _ = self.strip(model)
        data = self.data(model)
        before = outputs(small, data)
        for v in (*model.variables, variable):
            v.assign(2.0 * v.numpy() + 1.0)
        self.assertAllEqual(outputs(small, data)[0], before[0])
        own = {id(v) for v in model.variables}
        self.assertFalse(own & {id(v) for v in small.variables})

    def test_node_counts_of_the_source_stay(self):
        x = keras.Input((5,))
        shared = layers.Dense(5)
        y = shared(self.gate(shared, [1, 0, 1, 1, 1], on="inputs")(x))
        model = self.finish(x, y * 2.0)
        counts = [
            (len(op._inbound_nodes), len(op._outbound_nodes))
            for op in model.operations
        ]
        self.strip(model)
        self.assertEqual(
            [
                (len(op._inbound_nodes), len(op._outbound_nodes))
                for op in model.operations
            ],
            counts,
        )

    def test_layer_that_is_called_twice_is_one_layer(self):
        x, y = keras.Input((3,)), keras.Input((3,))
        gated = self.gate(layers.Dense(3, name="shared"), [1, 0, 0.5])
        model = self.finish([x, y], [gated(x), gated(y)])
        small, report = self.strip(model)
        dense = [la for la in small.layers if isinstance(la, layers.Dense)]
        self.assertLen(dense, 1)
        # 3 x 2 weights and 2 biases: all calls close the first unit.
        self.assertEqual(report.params_after, 8)

    def test_layer_used_with_and_without_gated_weights_is_two_layers(self):
        x = keras.Input((3,))
        dense = layers.Dense(3)
        gates = [0, 1, 0.5, 1, 1, 1, 0, 0, 1]
        gated = self.gate(dense, gates, on="weights")
        other = self.gate(dense, gates[::-1], on="weights")
        model = self.finish(x, [gated(x), dense(x), other(x), dense(x)])
        small, _ = self.strip(model)
        made = [la for la in small.layers if isinstance(la, layers.Dense)]
        self.assertLen(made, 3)

    def test_weightless_layer_that_is_called_twice(self):
        x = keras.Input((3,))
        relu = layers.ReLU()
        left = self.gate(layers.Dense(4), [0, 1, 1, 0])
        right = self.gate(layers.Dense(4), [1, 0, 1, 1])
        y = layers.Concatenate()([relu(left(x)), relu(right(x))])
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(small.count_params(), 3 * 5 + 5 + 5 * 2 + 2)

    def test_constants_in_calls(self):
        x = keras.Input((4, 3))
        y = self.gate(layers.Dense(3), [1, 0, 0.5])(x)
        a, b = ops.split(y, [1], axis=1)
        y = ops.concatenate([b, ops.flip(a, axis=-1)], axis=1)
        y = ops.where(y > 0, y[:, ::-1], np.float64(0.5))
        self.strip(self.finish(x, {"y": y, "first": y[:, 0, ...]}))

    def test_initializers_of_one_shape(self):
        def constant(*shape):
            return keras.initializers.Constant(self.rng.normal(size=shape))

        x = keras.Input((5,))
        y = self.gate(
            layers.Dense(4, kernel_initializer=constant(5, 4)), [1, 0, 1, 0]
        )(x)
        y = layers.BatchNormalization(moving_mean_initializer=constant(4))(y)
        y = layers.PReLU(alpha_initializer=constant(4))(y)
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model)
        filepath = self.create_tempdir().create_file("small.keras").full_path
        small.save(filepath)
        again = keras.saving.load_model(filepath)
        self.assert_same_function(model, again, self.data(model))

    def test_subclasses_become_what_they_inherit_from(self):
        class Named(layers.Dense):
            def __init__(self, half, **kwargs):
                super().__init__(2 * half, **kwargs)

            def get_config(self):
                config = super().get_config()
                config["half"] = config.pop("units") // 2
                return config

        x = keras.Input((3,))
        gated = self.gate(Named(2, name="named"), [1, 0, 0.5, 0])
        small, _ = self.strip(self.finish(x, layers.Dense(2)(gated(x))))
        named = small.get_layer("named")
        self.assertIs(type(named), layers.Dense)
        self.assertEqual(named.units, 2)

    def test_frozen_layers_stay_frozen(self):
        x = keras.Input((3,))
        frozen = layers.Dense(4, name="frozen", trainable=False)
        y = self.gate(frozen, [1, 0, 1, 1])(x)
        small, _ = self.strip(self.finish(x, layers.Dense(2, name="free")(y)))
        self.assertFalse(small.get_layer("frozen").trainable)
        self.assertTrue(small.get_layer("free").trainable)

    def test_adapters_do_not_take_names_of_layers(self):
        x = keras.Input((3,), name="take")
        y = self.gate(layers.Dense(4, name="pad"), [1, 0, 0.5, 0], name="g")(x)
        y = layers.LayerNormalization(name="multiply")(y)
        y = self.gate(layers.Dense(4, name="subtract"), [1, 0, 0.5, 0])(y)
        small, _ = self.strip(self.finish(x, layers.Softmax(name="take_1")(y)))
        names = [operation.name for operation in small.operations]
        self.assertLen(set(names), len(names))

    def test_names_of_nested_layers_do_not_take_others(self):
        x = keras.Input((3,))
        inner = keras.Sequential(
            [keras.Input((3,)), layers.Dense(3, name="dense")], name="inner"
        )
        y = layers.Dense(3, name="inner_dense")(inner(x))
        y = self.gate(layers.Dense(2, name="inner_dense_1"), [0, 1])(y)
        self.strip(self.finish(x, y))

    def test_states_of_barriers_come_along(self):
        x = keras.Input((4,))
        normalization = layers.Normalization()
        normalization.adapt(self.rng.normal(3.0, 2.0, (50, 4)))
        y = self.gate(layers.Dense(3), [1, 0, 1])(normalization(x))
        model = keras.Model(x, layers.Dense(2)(y))
        self.strip(model)

    def test_model_without_gates_is_copied(self):
        class Own(layers.Dense):
            pass

        x = keras.Input((3,))
        y = Own(4, name="own")(x)
        model = self.finish(x, layers.Dense(2)(layers.LSTM(3)(y[:, None])))
        model.get_layer("own").kernel.assign(np.zeros((3, 4)))
        small, report = self.strip(model)
        self.assertIs(type(small.get_layer("own")), Own)
        self.assertEqual(small.count_params(), model.count_params())
        self.assertEqual(report.barriers, ())
        self.assertNotEmpty(report.notes)
        for a, b in zip(model.weights, small.weights, strict=True):
            self.assertAllEqual(a, b)
        self.assertIsNot(keras_l0.strip_gates(small), small)


if __name__ == "__main__":
    absltest.main()
