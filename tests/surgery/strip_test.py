"""Tests of strip_gates as a user meets it."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.surgery import random_values
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import outputs
from tests.surgery.strip_test_case import units
from tests.surgery.strip_test_case import weights


class StripGatesTest(StripTestCase):
    def lenet(self, gates=(0, 1, 0.4)):
        """A small network of the usual layers."""
        mixed = [gates[i % len(gates)] for i in range(8)]
        model = keras.Sequential(
            [
                keras.Input((8, 8, 1), name="image"),
                self.gate(
                    layers.Conv2D(6, 3, activation="relu", name="conv"),
                    mixed[:6],
                    name="gate1",
                ),
                layers.MaxPooling2D(name="pool"),
                layers.Flatten(name="flat"),
                self.gate(
                    layers.Dense(8, activation="gelu", name="hidden"),
                    mixed,
                    name="gate2",
                ),
                layers.Dense(3, name="last"),
            ],
            name="lenet",
        )
        self.fill(model)
        return model

    def test_source_is_not_touched(self):
        model = self.lenet()
        model.compile(
            keras.optimizers.Adam(),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        x = self.rng.normal(size=(8, 8, 8, 1))
        model.fit(x, self.rng.integers(0, 3, 8), verbose=0)
        self.fill(model)
        config = model.get_config()
        before = weights(model) + [v.numpy() for v in model.optimizer.variables]
        functions = (model.train_function, model.predict_function)
        counts = [
            (len(la._inbound_nodes), len(la._outbound_nodes))
            for la in model.layers
        ]
        keras_l0.strip_gates(model, return_report=True)
        after = weights(model) + [v.numpy() for v in model.optimizer.variables]
        for old, new in zip(before, after, strict=True):
            np.testing.assert_array_equal(old, new)
        self.assertEqual(model.get_config(), config)
        self.assertEqual(
            (model.train_function, model.predict_function), functions
        )
        self.assertEqual(
            [
                (len(la._inbound_nodes), len(la._outbound_nodes))
                for la in model.layers
            ],
            counts,
        )

    def test_result_has_stock_layers_under_their_names(self):
        small, _ = self.strip(self.lenet())
        self.assertEqual(small.name, "lenet")
        self.assertEqual(
            [layer.name for layer in small.layers],
            ["image", "conv", "pool", "flat", "hidden", "last"],
        )
        self.assertEqual(units(small, "conv"), 4)
        self.assertEqual(units(small, "hidden"), 5)

    def test_result_takes_and_gives_what_the_source_does(self):
        model = self.lenet()
        small, _ = self.strip(model)
        x = self.rng.normal(size=(2, 8, 8, 1))
        self.assertEqual(small.predict(x, verbose=0).shape, (2, 3))
        self.assertEqual(small.input_shape, model.input_shape)
        self.assertEqual(small.output_shape, model.output_shape)

    def test_idempotent(self):
        small, _ = self.strip(self.lenet())
        again, _ = self.strip(small)
        self.assertEqual(again.get_config(), small.get_config())
        for a, b in zip(small.weights, again.weights, strict=True):
            np.testing.assert_array_equal(a, b)

    def test_all_open_is_the_same_network(self):
        model = self.lenet(gates=(1,))
        small, report = self.strip(model)
        plain = [getattr(layer, "layer", layer) for layer in model.layers]
        for layer, copy in zip(plain, small.layers[1:], strict=True):
            self.assertIs(type(copy), type(layer))
            self.assertEqual(copy.get_config(), layer.get_config())
            for a, b in zip(layer.weights, copy.weights, strict=True):
                np.testing.assert_array_equal(a, b)
        self.assertEqual(report.params_before, report.params_after)

    def test_without_gates_the_model_is_copied(self):
        x = keras.Input((4,))
        # A column of zeros is a dead unit, but no gate has closed it.
        first = layers.Dense(3, activation="relu")
        model = self.finish(x, layers.Dense(2)(first(x)))
        kernel = first.kernel.numpy()
        kernel[:, 1] = 0
        first.kernel.assign(kernel)
        with self.assertLogs(level="WARNING") as logs:
            small, report = self.strip(model)
        self.assertRegex(logs.output[0], "has no gates to strip")
        self.assertRegex(report.notes[0], "no gates")
        self.assertEqual(small.get_config(), model.get_config())
        for a, b in zip(model.weights, small.weights, strict=True):
            np.testing.assert_array_equal(a, b)
            self.assertIsNot(a, b)

    def test_after_saving_and_loading(self):
        model = self.lenet()
        filepath = self.create_tempdir().create_file("gated.keras").full_path
        model.save(filepath)
        loaded = keras.saving.load_model(filepath)
        small, again = (keras_l0.strip_gates(m) for m in (model, loaded))
        self.assertLen(again.weights, len(small.weights))
        for a, b in zip(small.weights, again.weights, strict=True):
            np.testing.assert_array_equal(a, b)
        self.assertEqual(small.get_config(), again.get_config())

    def test_result_trains(self):
        small, _ = self.strip(self.lenet())
        small.compile("adam", "mse")
        x = self.rng.normal(size=(8, 8, 8, 1))
        y = self.rng.normal(size=(8, 3))
        before = weights(small)
        small.fit(x, y, verbose=0)
        for old, new in zip(before, weights(small), strict=True):
            self.assertNotAllEqual(old, new)

    def test_a_rolled_weight_is_noticed(self):
        # Else every comparison of outputs in these tests proves nothing.
        model = self.lenet()
        small, _ = self.strip(model)
        x = self.data(model)
        (right,) = outputs(small, x)
        for variable in small.weights:
            value = variable.numpy()
            variable.assign(np.roll(value, 1, axis=-1))
            (wrong,) = outputs(small, x)
            variable.assign(value)
            difference = np.abs(wrong - right).max() / np.abs(right).max()
            self.assertGreater(difference, 1e-3, variable.path)


class RefusalsTest(StripTestCase):
    def assert_nothing_happens(self, model, error, message):
        layers_before = len(model.layers) if hasattr(model, "layers") else 0
        with self.assertRaisesRegex(error, message):
            keras_l0.strip_gates(model)
        if layers_before:
            self.assertLen(model.layers, layers_before)

    @parameterized.parameters("model", None, layers.Dense(2))
    def test_something_else_than_a_model(self, value):
        self.assert_nothing_happens(
            value,
            TypeError,
            "`model` must be a `keras.Model`. Received: model=",
        )

    def test_model_that_is_not_built(self):
        model = keras.Sequential(
            [keras_l0.L0Gate(layers.Dense(2)), layers.Dense(1)], name="fresh"
        )
        self.assert_nothing_happens(
            model,
            ValueError,
            r"Model 'fresh' is not built, .* Begin it with `keras.Input\(",
        )

    def test_subclassed_model(self):
        class Own(keras.Model):
            def __init__(self):
                super().__init__(name="own")
                self.gated = keras_l0.L0Gate(layers.Dense(2))

            def call(self, x):
                return self.gated(x)

        model = Own()
        for _ in range(2):
            self.assert_nothing_happens(
                model,
                ValueError,
                r"Model 'own' \(Own\) is a subclassed model: .* Rebuild it as "
                "a Functional model",
            )
            model(np.zeros((1, 3)))  # built or not

    def test_functional_model_with_a_call_of_its_own(self):
        class Own(keras.Model):
            def call(self, x, training=None):
                return 2.0 * super().call(x, training=training)

        x = keras.Input((3,))
        model = Own(x, keras_l0.L0Gate(layers.Dense(2))(x))
        self.assert_nothing_happens(model, ValueError, "is a subclassed model")

    def test_gates_inside_of_other_layers(self):
        x = keras.Input((3, 2))
        inner = keras_l0.L0Gate(layers.Dense(2))
        y = layers.TimeDistributed(inner, name="steps")(x)
        self.assert_nothing_happens(
            keras.Model(x, y),
            ValueError,
            r"Layer 'steps' \(TimeDistributed\) holds gates inside, where they "
            "cannot be reached. Put the gate around",
        )


class PolicyTest(StripTestCase):
    policy = "mixed_float16"

    def test_mixed_precision(self):
        x = keras.Input((8, 8, 2))
        y = self.gate(layers.Conv2D(6, 3, activation="relu"), [0, 1, 0.3] * 2)(
            x
        )
        y = self.gate(layers.BatchNormalization(), [0.3, 1, 1, 1, 0, 1])(y)
        inner = keras.Sequential(
            [
                keras.Input((6, 6, 6)),
                layers.GlobalAveragePooling2D(),
                self.gate(layers.Dense(4, activation="gelu"), [0, 1, 0.3, 1]),
            ]
        )
        y = layers.LayerNormalization()(inner(y))
        model = self.finish(x, layers.Dense(3)(y))
        small, _ = self.strip(model, policy="float16")
        for layer in small.layers[1:]:
            self.assertEqual(layer.compute_dtype, "float16")
            self.assertEqual(layer.variable_dtype, "float32")

    def test_type_stays_where_a_layer_vanishes(self):
        x = keras.Input((4,))  # float32; sums are float16
        dead = self.gate(layers.Dense(4), [0, 0, 0, 0])(x)
        model = self.finish(x, layers.Add()([x, dead]))
        small, _ = self.strip(model, policy="float16")
        self.assertEqual(small.output.dtype, "float16")

    def test_bfloat16(self):
        self.use("bfloat16")
        x = keras.Input((5,))
        y = self.gate(layers.Dense(4, activation="gelu"), [0, 1, 0.5, 1])(x)
        model = self.finish(x, layers.Dense(3)(y))
        small = keras_l0.strip_gates(model)
        self.assertEqual(small.weights[0].dtype, "bfloat16")
        data = self.data(model)
        (old,), (new,) = outputs(model, data), outputs(small, data)
        self.assertAllClose(
            new.astype("float32"), old.astype("float32"), rtol=0, atol=0.1
        )


class SharedVectorTest(StripTestCase):
    def test_tied_gates_close_the_same_units(self):
        vector = keras_l0.GateVector()
        x = keras.Input((5,))
        branches = [
            keras_l0.L0Gate(layers.Dense(6, name=f"b{i}"), gate_vector=vector)
            for i in range(2)
        ]
        y = layers.Add()([branch(x) for branch in branches])
        model = self.finish(x, layers.Dense(2)(y))
        gates = [random_values.CLOSED, random_values.OPEN, 0.3] * 2
        vector.logits.assign(gates)
        small, _ = self.strip(model)
        for name in ("b0", "b1"):
            self.assertEqual(units(small, name), 4)


if __name__ == "__main__":
    absltest.main()
