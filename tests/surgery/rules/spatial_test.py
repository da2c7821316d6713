"""Tests of the rules of padding, cropping, repeating and resizing."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KNOWN = {0: 0.7, 2: 0.0}
SHAPES = {1: (4, 3), 2: (4, 3, 3), 3: (3, 4, 3, 3)}
EVERY_ENTRY = (
    ("cropping_2d", lambda **kw: layers.Cropping2D(((1, 0), (0, 2)), **kw), 2),
    ("cropping_3d", lambda **kw: layers.Cropping3D(1, **kw), 3),
    ("up_sampling_2d", lambda **kw: layers.UpSampling2D((1, 3), **kw), 2),
    ("up_sampling_3d", lambda **kw: layers.UpSampling3D(2, **kw), 3),
    (
        "resizing",
        lambda **kw: layers.Resizing(2, 5, interpolation="nearest", **kw),
        2,
    ),
    (
        "resizing_by_cropping",
        lambda **kw: layers.Resizing(
            2, 5, "nearest", crop_to_aspect_ratio=True, **kw
        ),
        2,
    ),
)
FILLING = (
    ("padding_1d", lambda **kw: layers.ZeroPadding1D((1, 0), **kw), 1),
    ("padding_2d", lambda **kw: layers.ZeroPadding2D(((0, 1), 0), **kw), 2),
    ("padding_3d", lambda **kw: layers.ZeroPadding3D(1, **kw), 3),
    (
        "resizing_by_padding",
        lambda **kw: layers.Resizing(
            2, 5, "nearest", pad_to_aspect_ratio=True, **kw
        ),
        2,
    ),
)


class SpatialRuleTest(RuleTestCase):
    def check_in(self, make, rank, data_format):
        """Checks a layer in a data format; what is known of its output."""
        shape, axis = SHAPES[rank], rank + 1
        if data_format == "channels_first":
            shape, axis = (shape[-1], *shape[:-1]), 1
        layer = make(data_format=data_format)
        call = self.call(layer, shape)
        self.assertEqual(find_rule(layer).input_axes(call, [None]), [axis])
        return self.check(layer, self.probe(shape, KNOWN, axis))

    @parameterized.named_parameters(*EVERY_ENTRY)
    def test_constants_stay(self, make, rank):
        for data_format in ("channels_last", "channels_first"):
            output = self.check_in(make, rank, data_format)
            self.assertAllEqual(output.known, [True, False, True])
            self.assertAllEqual(output.value, [0.7, 0, 0])

    @parameterized.named_parameters(*FILLING)
    def test_zeros_stay_between_others(self, make, rank):
        for data_format in ("channels_last", "channels_first"):
            output = self.check_in(make, rank, data_format)
            self.assertAllEqual(output.known, [False, False, True])

    @parameterized.parameters(
        lambda: layers.UpSampling1D(2), lambda: layers.Cropping1D((1, 0))
    )
    def test_one_dimension(self, make):
        output = self.check(make(), self.probe((4, 3), KNOWN))
        self.assertAllEqual(output.known, [True, False, True])

    def test_repeat_vector(self):
        output = self.check(layers.RepeatVector(3), self.probe((3,), KNOWN))
        self.assertEqual(output.axis, 2)
        self.assertAllEqual(output.known, [True, False, True])

    def test_no_padding_changes_nothing(self):
        layer = layers.ZeroPadding2D(0)
        output = self.check(layer, self.probe(SHAPES[2], KNOWN))
        self.assertAllEqual(output.known, [True, False, True])

    @parameterized.parameters(0.7, 0.0, 0.4)
    def test_padding_of_a_ratio_keeps_its_own_value(self, fill_value):
        layer = layers.Resizing(
            2, 5, "nearest", pad_to_aspect_ratio=True, fill_value=fill_value
        )
        output = self.check(layer, self.probe(SHAPES[2], KNOWN))
        expected = [fill_value == 0.7, False, fill_value == 0.0]
        self.assertAllEqual(output.known, expected)
        call = self.call(layer, SHAPES[2])
        self.assertEqual(
            find_rule(layer).commutes_with_scale(call), fill_value == 0
        )

    @parameterized.parameters(
        lambda: layers.UpSampling2D(2, interpolation="bilinear"),
        lambda: layers.UpSampling2D(2, interpolation="bicubic"),
        lambda: layers.Resizing(2, 5),
        lambda: layers.Resizing(2, 2, antialias=True),
        lambda: layers.Resizing(2, 5, pad_to_aspect_ratio=True, fill_value=1),
        lambda: layers.CenterCrop(2, 2),
        lambda: layers.CenterCrop(5, 5),
    )
    def test_interpolation_is_sure_of_zeros_alone(self, make):
        layer = make()
        call, rule = self.call(layer, SHAPES[2]), find_rule(layer)
        self.assertFalse(rule.commutes_with_scale(call))
        probe = self.probe(SHAPES[2], KNOWN)
        (output,) = rule.forward(call, [probe.channels])
        fills = getattr(layer, "fill_value", 0) != 0
        self.assertAllEqual(output.known, [False, False, not fills])
        # Single precision, of both: it cannot be compared any closer.
        y = self.run_layer(layer, probe.arrays[:1])
        part = self.run_layer(layer, [probe.arrays[0][..., [1]]])
        self.assertAllClose(part, y[..., [1]], rtol=1e-6, atol=1e-6)
        self.assertEqual(np.any(y[..., 2]), fills)

    @parameterized.named_parameters(*EVERY_ENTRY, *FILLING)
    def test_commutes_with_factors(self, make, rank):
        layer = make()
        call, x = self.call(layer, SHAPES[rank]), self.probe(SHAPES[rank])
        self.assertTrue(find_rule(layer).commutes_with_scale(call))
        z = np.array([0.0, 0.3, 1.0])
        self.assertAllClose(
            self.run_layer(layer, [z * x.arrays[0]]),
            z * self.run_layer(layer, x.arrays[:1]),
            rtol=1e-13,
        )

    # How many input channels are left behind the layer, after either.
    @parameterized.parameters(
        (lambda: layers.ZeroPadding2D(1), {"relu": 3, "sigmoid": 5}),
        (
            lambda: layers.Cropping2D(((1, 0), (0, 1))),
            {"relu": 3, "sigmoid": 3},
        ),
        (lambda: layers.UpSampling2D(2), {"relu": 3, "sigmoid": 3}),
        (
            lambda: layers.UpSampling2D(2, interpolation="bilinear"),
            {"relu": 3, "sigmoid": 5},
        ),
        (lambda: layers.Resizing(3, 7), {"relu": 3, "sigmoid": 5}),
        (
            lambda: layers.Resizing(
                3, 3, "nearest", pad_to_aspect_ratio=True, fill_value=0.4
            ),
            {"relu": 5, "sigmoid": 5},
        ),
        (lambda: layers.CenterCrop(2, 3), {"relu": 3, "sigmoid": 5}),
    )
    def test_model_loses_units(self, make, widths):
        for activation, width in widths.items():
            x = keras.Input((None, None, 3))
            first = layers.Conv2D(5, 1, name="first")
            y = self.gate(first, np.array([0, 1, 0.3, 0, 1]))(x)
            y = make()(layers.Activation(activation)(y))
            y = layers.Conv2D(4, 2, name="last")(y)
            model = self.finish(x, y)
            image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
            small, _ = self.strip(model, image)
            self.assertEqual(units(small, "first"), 3)
            kernel = small.get_layer("last").kernel
            self.assertEqual(kernel.shape[-2], width)
            self.strip(small, image)

    def test_model_of_repeated_vectors_loses_units(self):
        x = keras.Input((3,))
        first = layers.Dense(5, name="first", activation="gelu")
        y = self.gate(first, np.array([0, 1, 0.3, 0, 1]))(x)
        y = layers.UpSampling1D(2)(layers.RepeatVector(3)(y))
        y = layers.Conv1D(2, 2, name="last")(layers.Cropping1D(1)(y))
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(units(small, "first"), 3)
        self.assertEqual(small.get_layer("last").kernel.shape[-2], 3)


if __name__ == "__main__":
    absltest.main()
