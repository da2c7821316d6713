"""Tests of the rules of pooling and global pooling."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase

SHAPES = {1: (5, 3), 2: (5, 4, 3), 3: (4, 4, 4, 3)}
KNOWN = {0: 0.7, 2: -0.4}


class PoolingRuleTest(RuleTestCase):
    @parameterized.product(
        kind=("Max", "Average"), rank=(1, 2), padding=("valid", "same")
    )
    def test_pooling(self, kind, rank, padding):
        layer = getattr(layers, f"{kind}Pooling{rank}D")(
            2, strides=1, padding=padding
        )
        # Padding is left out: constants stay what they are at the border, too.
        output = self.check(layer, self.probe(SHAPES[rank], KNOWN))
        self.assertAllEqual(output.value, [0.7, 0.0, -0.4])

    @parameterized.product(kind=("Max", "Average"), rank=(1, 2))
    def test_channels_first(self, kind, rank):
        layer = getattr(layers, f"{kind}Pooling{rank}D")(
            2, data_format="channels_first"
        )
        shape = (3, *SHAPES[rank][:-1])
        call = self.call(layer, shape)
        self.assertEqual(find_rule(layer).input_axes(call, [rank + 1]), [1])
        self.check(layer, self.probe(shape, KNOWN, axis=1))

    @parameterized.product(
        kind=("Max", "Average"), rank=(1, 2, 3), keepdims=(False, True)
    )
    def test_global_pooling(self, kind, rank, keepdims):
        layer = getattr(layers, f"Global{kind}Pooling{rank}D")(
            keepdims=keepdims
        )
        output = self.check(layer, self.probe(SHAPES[rank], KNOWN))
        self.assertEqual(output.axis, rank + 1 if keepdims else 1)

    @parameterized.parameters(False, True)
    def test_global_pooling_channels_first(self, keepdims):
        layer = layers.GlobalMaxPooling2D("channels_first", keepdims)
        output = self.check(layer, self.probe((3, 5, 4), KNOWN, axis=1))
        self.assertEqual(output.axis, 1)

    def test_three_dimensions_are_followed_likewise(self):
        # TensorFlow has no double precision kernel for it.
        for cls in (
            layers.MaxPooling3D,
            layers.AveragePooling3D,
            layers.AdaptiveMaxPooling3D,
            layers.AdaptiveAveragePooling3D,
        ):
            call = self.call(cls(2), SHAPES[3])
            rule = find_rule(call.layer)
            self.assertIs(type(rule), type(find_rule(layers.MaxPooling1D())))
            self.assertEqual(rule.input_axes(call, [1]), [4])

    @parameterized.product(kind=("Max", "Average"), rank=(1, 2))
    def test_adaptive_pooling(self, kind, rank):
        layer_class = getattr(layers, f"Adaptive{kind}Pooling{rank}D")
        output = self.check(layer_class(2), self.probe(SHAPES[rank], KNOWN))
        self.assertAllEqual(output.known, [True, False, True])
        shape = (3, *SHAPES[rank][:-1])
        layer = layer_class(3, data_format="channels_first")
        output = self.check(layer, self.probe(shape, KNOWN, axis=1))
        self.assertEqual(output.axis, 1)

    @parameterized.parameters(
        layers.MaxPooling2D, layers.GlobalAveragePooling2D
    )
    def test_commutes_with_factors(self, layer_class):
        layer = layer_class()
        (x, _), z = self.probe(SHAPES[2]).arrays, np.array([0.0, 0.3, 1.0])
        call = self.call(layer, SHAPES[2])
        self.assertTrue(find_rule(layer).commutes_with_scale(call))
        self.assertAllClose(
            self.run_layer(layer, [z * x]),
            z * self.run_layer(layer, [x]),
            rtol=1e-12,
            atol=1e-14,
        )


if __name__ == "__main__":
    absltest.main()
