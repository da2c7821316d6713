"""Tests of packed groups, and of convolutions that have groups."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.rules.grouped import Packing
from tests import test_util
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KEPT = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], bool)


class PackingTest(test_util.TestCase):
    def test_groups_get_as_many_places_as_the_fullest(self):
        packing = Packing.of(KEPT)
        self.assertAllEqual(packing.rows, [0, 2])
        self.assertAllEqual(packing.columns[0], [1, 3])
        self.assertEqual(packing.columns[1, 0], 2)
        self.assertAllEqual(packing.filled, [[True, True], [True, False]])
        self.assertAllEqual(packing.members[packing.filled], [1, 3, 10])
        self.assertEqual(packing.places, 4)

    def test_positions_find_the_members(self):
        array = np.arange(12.0).reshape(3, 4)
        for packing in (Packing.of(KEPT), Packing.of(KEPT).with_spare_place()):
            positions = packing.positions(3)
            self.assertAllEqual(positions >= 0, KEPT.ravel())
            packed = packing.select(array).ravel()
            self.assertAllEqual(
                packed[positions[KEPT.ravel()]], array.ravel()[KEPT.ravel()]
            )

    def test_fillers_are_zero(self):
        array = np.ones((2, 3, 4))
        packed = Packing.of(KEPT).with_spare_place().select(array)
        expected = np.array([[1.0, 1, 0], [1, 0, 0]])
        self.assertAllEqual(packed, [expected, expected])

    def test_rows_and_places_may_be_asked_for(self):
        nothing = np.zeros((3, 4), bool)
        packing = Packing.of(nothing, rows=np.array([0, 2]), least=1)
        self.assertAllEqual(packing.filled, [[False], [False]])
        packing = Packing.of(nothing, rows=np.array([0, 2]))
        self.assertEqual(packing.filled.shape, (2, 0))


# Known constants of 6 channels in groups of 2 or 3.
CONSTANTS = (
    {},
    {0: 0.7, 2: 0.0, 3: -1.2},
    {0: 0.7, 1: -0.2, 2: 0.0, 5: 0.4},
    {i: 0.1 * i - 0.2 for i in range(6)},
)


class GroupedConvolutionTest(RuleTestCase):
    # Keras compiles a convolution with groups anew at each call: few cases.
    @parameterized.product(padding=("valid", "same"), known=CONSTANTS)
    def test_conv1d(self, padding, known):
        layer = layers.Conv1D(
            6, 2, padding=padding, groups=3, activation="sigmoid"
        )
        needed = [np.isin(np.arange(6), [0, 1, 3]), np.arange(6) == 2]
        self.check(layer, self.probe((4, 6), known), needed=needed)

    @parameterized.parameters(("valid", False, 1), ("same", True, 2))
    def test_conv2d(self, padding, use_bias, strides):
        layer = layers.Conv2D(
            6, 2, strides, padding, groups=2, use_bias=use_bias
        )
        needed = [np.isin(np.arange(6), [2, 3, 4]), np.arange(6) == 5]
        self.check(layer, self.probe((3, 4, 6), CONSTANTS[1]), needed=needed)

    def test_conv3d_channels_first(self):
        # Four filters, then two, are as many as there are voxels in a row,
        # along which Keras would add the bias.
        layer = layers.Conv3D(
            6, 1, groups=3, data_format="channels_first", activation="tanh"
        )
        for row, needed in ((4, [2, 3, 4]), (2, [0, 1])):
            self.check(
                layer,
                self.probe((6, 2, 2, row), CONSTANTS[1], axis=1),
                needed=[np.isin(np.arange(6), needed)],
            )
            layer = layers.Conv3D.from_config(layer.get_config())

    def test_softmax_keeps_all_filters(self):
        layer = layers.Conv1D(6, 1, groups=3, activation="softmax")
        needed = [np.arange(6) < 2]
        self.check(layer, self.probe((4, 6), CONSTANTS[1]), needed=needed)

    def test_dead_groups_disappear(self):
        layer = layers.Conv1D(6, 2, groups=3)
        probe = self.probe((4, 6))
        call, rule = self.call(layer, (4, 6)), find_rule(layer)
        (output,) = rule.forward(call, [probe.channels])
        kept = np.array([True, False, False, False, True, True])
        (needed,) = rule.backward(call, [probe.channels], [kept])
        self.assertAllEqual(needed, [True, True, False, False, True, True])
        selection, _ = self._held(probe, needed)
        step = rule.plan(call, [selection], [output], [kept])
        self.assertEqual(
            step.config, {"filters": 4, "use_bias": True, "groups": 2}
        )
        self.assertEqual(step.weights["kernel"].shape, (2, 2, 4))
        # The first group has one filter and a filler.
        self.assertAllEqual(step.selections[0].position, [0, -1, -1, -1, 2, 3])
        self.assertAllEqual(step.weights["kernel"][..., 1], np.zeros((2, 2)))
        self.assertEqual(step.weights["bias"][1], 0)

    def test_scaled_weights_scale_the_output(self):
        layer = layers.Conv1D(6, 2, groups=3, activation="relu")
        x = self.probe((4, 6)).arrays[:1]
        call, factors = self.call(layer, (4, 6)), np.linspace(0, 1, 6)
        expected = self.run_layer(layer, x) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        layer.kernel.assign(weights["kernel"])
        layer.bias.assign(weights["bias"])
        self.assertAllClose(self.run_layer(layer, x), expected, rtol=1e-12)

    @parameterized.product(
        padding=("valid", "same"), activation=("relu", "sigmoid")
    )
    def test_model_loses_groups_and_units(self, padding, activation):
        x = keras.Input((None, None, 3))
        gated = layers.Conv2D(8, 1, name="first")
        y = self.gate(gated, np.array([0, 1, 0.3, 0, 0, 0, 1, 0.6]))(x)
        y = layers.Activation(activation)(y)
        gated = layers.Conv2D(
            12, 2, padding=padding, groups=4, activation="gelu", name="grouped"
        )
        gates = np.array([0, 0, 0, 1, 1, 0.5, 1, 0.2, 0, 0.8, 0, 0])
        y = self.gate(gated, gates)(y)
        y = layers.Conv2D(3, 1, name="last")(y)
        model = self.finish(x, y)
        image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
        small, _ = self.strip(model, image)
        # Three of four groups keep some of three filters; the third of them
        # sees closed units alone: zeros, or constants that padding cuts off.
        groups = 3 if padding == "same" and activation == "sigmoid" else 2
        self.assertEqual(small.get_layer("grouped").groups, groups)
        self.assertEqual(units(small, "grouped"), 3 * groups)
        self.assertEqual(units(small, "first"), 3)
        self.strip(small, image)


if __name__ == "__main__":
    absltest.main()
