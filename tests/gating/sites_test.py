"""Tests for the places of gates."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests import test_util
from tests.gating.models import residual


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


if __name__ == "__main__":
    absltest.main()
