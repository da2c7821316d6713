"""Tests of the rules of affine maps and of augmentation."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

KNOWN = {0: 0.7, 2: -0.4}
SHAPE = (2, 3, 4)
PER_CHANNEL = [0.5, 0.0, -2.0, 0.3]


class RescalingRuleTest(RuleTestCase):
    @parameterized.parameters(
        (2.0, 0.0),
        (0.5, -1.0),
        (PER_CHANNEL, 0.7),
        (0.3, PER_CHANNEL),
        (PER_CHANNEL, PER_CHANNEL),
        (np.array(PER_CHANNEL, "float32"), np.float32(1)),
        ([[1.0], [2.0], [0.5]], 0.1),
        (1.0, [[1.0], [2.0], [0.5]]),
        ([[[2.0]]], [PER_CHANNEL, PER_CHANNEL, PER_CHANNEL]),
    )
    def test_rescaling(self, scale, offset):
        layer = layers.Rescaling(scale, offset)
        self.check(layer, self.probe(SHAPE, KNOWN))
        self.check(layer, self.probe(SHAPE, {1: 0.3}, axis=2))
        self.check(layer, self.probe(SHAPE, {1: 0.3}, axis=1))

    def test_image_data_format_moves_the_scale(self):
        self.addCleanup(
            keras.config.set_image_data_format, keras.config.image_data_format()
        )
        keras.config.set_image_data_format("channels_first")
        layer = layers.Rescaling(PER_CHANNEL, 0.7)
        self.check(layer, self.probe((4, 3, 2), KNOWN, axis=1))
        layer = layers.Rescaling(2.0, [0.5, 0.4])
        self.check(layer, self.probe((4, 3, 2), {1: 0.3}, axis=3))

    def test_a_constant_is_one_where_it_is_the_same_all_over(self):
        layer = layers.Rescaling(1.0, [[1.0], [2.0]])
        output = self.check(layer, self.probe((2, 3), {0: 0.5}))
        self.assertAllEqual(output.known, [False] * 3)
        layer = layers.Rescaling([0.0, 0.0, 1.0], [[1.0, 1, 1], [1, 2, 1]])
        output = self.check(layer, self.probe((2, 3), {2: 0.5}))
        self.assertAllEqual(output.known, [True, False, True])
        self.assertAllEqual(output.value, [1.0, 0, 1.5])

    def test_commutes_with_factors_without_an_offset(self):
        for offset in (0.0, [0.0] * 4, 0.1, [0.0, 0.1, 0.0, 0.0]):
            layer = layers.Rescaling(PER_CHANNEL, offset)
            call = self.call(layer, SHAPE)
            self.assertEqual(
                find_rule(layer).commutes_with_scale(call), not np.any(offset)
            )

    def test_a_scale_that_widens_the_output_is_a_barrier(self):
        for scale, shape in (
            ([1.0, 2.0], (3, 1)),
            ([[[1.0]]], (1,)),
            ([[1.0], [2.0]], (None, 3)),
        ):
            layer = layers.Rescaling(1.0, scale)
            self.assertEqual(self.barrier(layer, shape), Barrier.BROADCASTING)

    def test_model_loses_units(self):
        x = keras.Input((None, None, 3))
        first = layers.Conv2D(4, 1, name="first", activation="relu")
        y = self.gate(first, np.array([0, 1, 0.3, 0]))(x)
        y = layers.Rescaling([1.0, 2.0, -3.0, 0.5], 0.2, name="rescaling")(y)
        y = layers.Conv2D(2, 2, padding="same")(y)
        model = self.finish(x, y)
        image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
        small, _ = self.strip(model, image)
        self.assertEqual(units(small, "first"), 2)
        self.assertEqual(
            np.ravel(small.get_layer("rescaling").scale).tolist(), [2, -3]
        )
        self.strip(small, image)


MEANS = (
    ({"axis": None}, 0.4, 2.0),
    ({"axis": -1}, PER_CHANNEL, [1.0, 2.0, 0.0, 0.5]),
    ({"axis": 3, "invert": True}, PER_CHANNEL, [1.0, 2.0, 0.0, 0.5]),
    ({"axis": 2}, [0.1, 0.2, 0.3], [1.0, 2.0, 3.0]),
    ({"axis": (-1, 1)}, [PER_CHANNEL] * 2, [[1.0, 2.0, 3.0, 0.5]] * 2),
    ({"axis": (1, 3)}, 0.3, 1.7),
)


class NormalizationRuleTest(RuleTestCase):
    @parameterized.parameters(*MEANS)
    def test_given_moments(self, options, mean, variance):
        layer = layers.Normalization(mean=mean, variance=variance, **options)
        self.check(layer, self.probe(SHAPE, KNOWN))
        self.check(layer, self.probe(SHAPE, {1: 0.3}, axis=2))

    @parameterized.parameters((-1,), (None,), ((2, 3),), ((1, 2, 3),))
    def test_learned_moments(self, axis):
        layer = layers.Normalization(axis=axis)
        layer.adapt(self.rng.normal(0.5, 2.0, (10, *SHAPE)))
        self.call = self.adapted_call
        self.check(layer, self.probe(SHAPE, KNOWN), needed=self.needed(4))
        probe = self.probe(SHAPE, {1: 0.3}, axis=2)
        self.check(layer, probe, needed=self.needed(3))

    def adapted_call(self, layer, *shapes):
        return super().call(layer, *shapes, widen=False)

    def needed(self, size):
        """Some channels; all of them keep the layer as it is."""
        return [np.arange(size) != 1, np.arange(size) == 1]

    def test_all_channels_keep_what_was_learned(self):
        layer = layers.Normalization()
        layer.adapt(self.rng.normal(0.5, 2.0, (10, *SHAPE)))
        call, rule = self.call(layer, SHAPE), find_rule(layer)
        probe = self.probe(SHAPE)
        (output,) = rule.forward(call, [probe.channels])
        kept = np.ones(4, bool)
        selection, _ = self._held(probe, kept)
        step = rule.plan(call, [selection], [output], [kept])
        self.assertIsNone(step.weights)
        self.assertEqual(step.config, {})

    @parameterized.product(learned=(False, True), invert=(False, True))
    def test_model_loses_units(self, learned, invert):
        # Of lists Keras would take no more than single precision.
        mean = np.array([0.1, 0.2, 0.3, 0.4])
        variance = np.array([1.1, 2.2, 3.3, 4.4])
        normalization = layers.Normalization(
            mean=None if learned else mean,
            variance=None if learned else variance,
            invert=invert,
        )
        if learned:
            normalization.adapt(self.rng.normal(0.5, 2.0, (10, 2, 2, 4)))
        x = keras.Input((None, None, 3))
        first = layers.Conv2D(4, 1, name="first", activation="relu")
        y = self.gate(first, np.array([0, 1, 0.3, 0]))(x)
        y = normalization(y)
        y = layers.Conv2D(2, 2, name="last")(y)
        model = self.finish(x, y)
        image = self.rng.normal(0.3, 1.0, (2, 4, 5, 3))
        small, _ = self.strip(model, image)
        self.assertEqual(units(small, "first"), 2)
        self.assertEqual(small.get_layer("last").kernel.shape[-2], 2)

    def test_model_without_closed_units_keeps_what_was_learned(self):
        normalization = layers.Normalization(name="normalization")
        x = keras.Input((3,))
        y = self.gate(layers.Dense(4, "tanh"), np.array([1, 0.5, 0.2, 1]))(x)
        model = self.finish(x, layers.Dense(2)(normalization(y)))
        normalization.adapt(self.rng.normal(0.5, 2.0, (10, 4)))
        small, _ = self.strip(model)
        copy = small.get_layer("normalization")
        self.assertAllEqual(copy.adapt_mean, normalization.adapt_mean)

    def test_calls_of_one_layer_agree(self):
        normalization = layers.Normalization(name="normalization")
        x = keras.Input((3,))
        gates = ([1, 0, 0.2, 0], [0.5, 0, 0, 1])
        each = [
            normalization(self.gate(layers.Dense(4, "tanh"), np.array(g))(x))
            for g in gates
        ]
        y = self.gate(layers.Identity(), np.array([1, 0, 1, 1]))(
            layers.Add()(each)
        )
        model = self.finish(x, layers.Dense(2)(y))
        normalization.adapt(self.rng.normal(0.5, 2.0, (10, 4)))
        small, _ = self.strip(model)
        self.assertEqual(small.get_layer("normalization").mean.shape, (1, 3))


AUGMENTATION = (
    lambda: layers.AugMix(),
    lambda: layers.CutMix(),
    lambda: layers.MixUp(),
    lambda: layers.RandAugment(),
    lambda: layers.RandomBrightness(0.3),
    lambda: layers.RandomColorDegeneration(0.3),
    lambda: layers.RandomColorJitter(brightness_factor=0.3),
    lambda: layers.RandomContrast(0.3),
    lambda: layers.RandomElasticTransform(),
    lambda: layers.RandomErasing(),
    lambda: layers.RandomFlip(),
    lambda: layers.RandomGaussianBlur(),
    lambda: layers.RandomGrayscale(),
    lambda: layers.RandomHue(0.3),
    lambda: layers.RandomInvert(),
    lambda: layers.RandomPerspective(),
    lambda: layers.RandomPosterization(4),
    lambda: layers.RandomRotation(0.3),
    lambda: layers.RandomSaturation(0.3),
    lambda: layers.RandomSharpness(0.3),
    lambda: layers.RandomShear(0.3, 0.3),
    lambda: layers.RandomTranslation(0.3, 0.3),
    lambda: layers.RandomZoom(0.3),
)


class AugmentationTest(RuleTestCase):
    def run_layer(self, layer, arrays):
        return keras.ops.convert_to_numpy(layer(arrays[0], training=False))

    @parameterized.parameters(*AUGMENTATION)
    def test_nothing_happens_in_inference(self, make):
        layer, x = make(), self.probe((5, 4, 3)).arrays[0]
        call = self.call(layer, (5, 4, 3), widen=False)
        self.assertTrue(find_rule(layer).commutes_with_scale(call))
        self.assertAllEqual(self.run_layer(layer, [x]), x)

    def test_model_loses_units(self):
        x = keras.Input((4, 5, 3))
        first = layers.Conv2D(5, 1, name="first", activation="gelu")
        y = self.gate(first, np.array([0, 1, 0.3, 0, 1]))(x)
        for layer in (layers.RandomFlip(), layers.RandomRotation(0.2)):
            y = layer(y)
        y = layers.Conv2D(2, 2, name="last")(y)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(units(small, "first"), 3)
        self.assertEqual(small.get_layer("last").kernel.shape[-2], 3)


if __name__ == "__main__":
    absltest.main()
