"""Tests for add_gates."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0 import gates
from tests import test_util
from tests.surgery import random_values


def residual(size=8):
    """A small residual network with an inverted residual behind it."""
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(size, 3, padding="same", name="stem")(x)
    y = stem = layers.ReLU(name="stem_relu")(layers.BatchNormalization()(y))
    for i in range(2):
        z = layers.Conv2D(6, 3, padding="same", name=f"first_{i}")(y)
        z = layers.BatchNormalization(name=f"norm_{i}")(z)
        z = layers.Activation("relu", name=f"relu_{i}")(z)
        z = layers.Conv2D(size, 3, padding="same", name=f"second_{i}")(z)
        z = layers.BatchNormalization(name=f"out_{i}")(z)
        y = layers.ReLU(name=f"sum_relu_{i}")(layers.Add()([y, z]))
    del stem
    z = layers.Conv2D(10, 1, name="expand")(y)
    z = layers.BatchNormalization()(layers.DepthwiseConv2D(3)(z))
    z = layers.ReLU(name="expand_relu")(z)
    s = layers.GlobalAveragePooling2D(keepdims=True)(z)
    s = layers.Conv2D(4, 1, activation="relu", name="squeeze")(s)
    s = layers.Conv2D(10, 1, activation="sigmoid", name="excite")(s)
    z = layers.Multiply()([z, s])
    z = layers.GlobalAveragePooling2D()(layers.Conv2D(7, 1, name="head")(z))
    return keras.Model(x, layers.Dense(3, name="top")(layers.ReLU()(z)))


class SitesTest(test_util.TestCase):
    def sites(self, model, **options):
        found = keras_l0.gating.find_gate_sites(model, **options)
        return {site.path: site for site in found}

    def test_where_gates_stand(self):
        sites = self.sites(residual())
        gated = {s.path: s.behind for s in sites.values() if s.reason is None}
        self.assertEqual(
            gated,
            {
                "first_0": "relu_0",
                "first_1": "relu_1",
                "expand": "expand_relu",
                "squeeze": "squeeze",
                "head": "head",
            },
        )

    def test_reasons(self):
        sites = self.sites(residual())
        reasons = {s.path: s.reason for s in sites.values() if s.reason}
        self.assertEqual(
            reasons,
            {
                "stem": "STREAM",
                "second_0": "STREAM",
                "second_1": "STREAM",
                "excite": "SCALE",
                "top": "OUTPUT",
            },
        )

    def test_stream_is_tied(self):
        sites = self.sites(residual(), streams=True)
        streams = {s.path: s.stream for s in sites.values() if s.stream}
        self.assertEqual(
            streams, {"stem": "stem", "second_0": "stem", "second_1": "stem"}
        )
        self.assertEqual(sites["second_1"].behind, "out_1")

    def test_stream_of_a_model_input_stays(self):
        x = keras.Input((4, 4, 5))
        y = layers.Add()([x, layers.Conv2D(5, 1, name="branch")(x)])
        model = keras.Model(x, layers.Conv2D(2, 1)(y))
        sites = self.sites(model, streams=True)
        self.assertEqual(sites["branch"].reason, "STREAM_OF_OTHERS")

    def test_dense_blocks_are_normalized_behind(self):
        x = keras.Input((4, 4, 5))
        y = layers.Concatenate()([x, layers.Conv2D(5, 1, name="growth")(x)])
        y = layers.BatchNormalization()(y)
        model = keras.Model(x, layers.Conv2D(2, 1)(y))
        self.assertEqual(self.sites(model)["growth"].reason, "NORMALIZED")

    @parameterized.parameters(
        ({"include": "^first"}, {"first_0", "first_1"}),
        ({"exclude": layers.Conv2D}, set()),
        ({"exclude": "first_0|head"}, {"first_1", "expand", "squeeze"}),
    )
    def test_filters(self, options, gated):
        sites = self.sites(residual(), **options)
        found = {s.path for s in sites.values() if s.reason is None}
        self.assertEqual(found, gated)

    def test_nested_names(self):
        inner = keras.Sequential(
            [keras.Input((4,)), layers.Dense(6, name="a"), layers.Dense(5)],
            name="inner",
        )
        x = keras.Input((4,))
        model = keras.Model(x, layers.Dense(2)(inner(x)))
        self.assertIn("inner/a", self.sites(model))


class AddGatesTest(test_util.TestCase):
    def wide(self, model):
        random_values.widen(model, np.random.default_rng(0))
        return model

    @parameterized.product(
        gate=(
            "hard_concrete",
            "arm",
            "diff_prune",
            "straight_through",
            "dependent",
            gates.HardConcrete(drop_rate=0.5),
        ),
        streams=(False, True),
    )
    def test_outputs_do_not_change_by_a_bit(self, gate, streams):
        model = self.wide(residual())
        gated = keras_l0.add_gates(model, gate, streams=streams)
        x = np.random.default_rng(1).normal(size=(4, 8, 8, 3))
        x = x.astype("float32")
        self.assertIsInstance(gated, keras_l0.L0Model)
        self.assertAllEqual(gated(x), model(x))

    def test_source_is_not_touched(self):
        model = self.wide(residual())
        before = [v.numpy() for v in model.variables]
        gated = keras_l0.add_gates(model, l0=1e-3)
        shared = {id(v) for v in model.variables}
        self.assertFalse(shared & {id(v) for v in gated.variables})
        gated.compile("adam", "mse")
        x = np.ones((8, 8, 8, 3), "float32")
        gated.fit(x, np.ones((8, 3), "float32"), verbose=0)
        for old, variable in zip(before, model.variables, strict=True):
            self.assertAllEqual(old, variable)

    def test_stream_becomes_narrower(self):
        model = self.wide(residual())
        gated = keras_l0.add_gates(model, streams=True)
        vectors = keras_l0.layers.gate_vectors(gated).values()
        (stream,) = [v for v in vectors if v.name == "stem_stream"]
        logits = stream.logits.numpy()
        logits[[1, 4, 5]] = -9.0
        stream.logits.assign(logits)
        small = keras_l0.strip_gates(gated)
        widths = {la.name: la for la in small.layers}
        for name in ("stem", "second_0", "second_1"):
            self.assertEqual(widths[name].filters, 5)
        x = np.random.default_rng(1).normal(size=(4, 8, 8, 3))
        self.assertAllClose(small(x), gated(x), rtol=1e-4, atol=1e-5)

    def test_training_closes_gates(self):
        x = np.random.default_rng(0).normal(size=(256, 6)).astype("float32")
        model = keras.Sequential(
            [
                keras.Input((6,)),
                layers.Dense(16, activation="relu"),
                layers.Dense(1),
            ]
        )
        gated = keras_l0.add_gates(model, l0=0.01)
        gated.compile("adam", "mse", gate_optimizer=keras.optimizers.Adam(0.1))
        gated.fit(x, x[:, :1], epochs=20, verbose=0)
        self.assertLess(
            keras_l0.strip_gates(gated).count_params(), model.count_params()
        )

    def test_heads(self):
        x = keras.Input((4, 6))
        y = layers.MultiHeadAttention(3, 2, name="attention")(x, x)
        model = self.wide(keras.Model(x, layers.Dense(2)(y)))
        gated = keras_l0.add_gates(model)
        (gate,) = keras_l0.layers.gate_layers(gated)
        self.assertEqual((gate.on, gate.gate_vector.num_gates), ("heads", 3))
        data = np.random.default_rng(1).normal(size=(2, 4, 6))
        self.assertAllEqual(gated(data), model(data))

    def test_shared_layers_stay_shared(self):
        x, z = keras.Input((4,)), keras.Input((4,))
        shared = layers.Dense(5, activation="relu", name="shared")
        top = layers.Dense(2)
        model = self.wide(keras.Model([x, z], [top(shared(x)), top(shared(z))]))
        gated = keras_l0.add_gates(model)
        self.assertLen(list(keras_l0.layers.gate_layers(gated)), 1)
        data = list(np.random.default_rng(1).normal(size=(2, 3, 4)))
        for a, b in zip(gated(data), model(data), strict=True):
            self.assertAllEqual(a, b)

    def test_what_cannot_be_gated(self):
        model = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
        with self.assertRaisesRegex(ValueError, "nothing to gate.*OUTPUT"):
            keras_l0.add_gates(model)
        gated = keras_l0.add_gates(residual())
        with self.assertRaisesRegex(ValueError, "has gates already"):
            keras_l0.add_gates(gated)
        with self.assertRaisesRegex(ValueError, "`include` fits no layer"):
            keras_l0.add_gates(residual(), include="frist")
        with self.assertRaisesRegex(ValueError, "start open.*continuous"):
            keras_l0.add_gates(residual(), gates.ARM())


if __name__ == "__main__":
    absltest.main()
