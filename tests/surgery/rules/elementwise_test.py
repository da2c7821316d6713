"""Tests of the rules of dropout and activation layers."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.registry import find_rule
from tests.surgery.rules.rule_test_case import RuleTestCase

KNOWN = {0: 0.7, 2: -0.4}
NOISE = (
    ("Identity", lambda: layers.Identity()),
    ("Dropout", lambda: layers.Dropout(0.5)),
    ("SpatialDropout2D", lambda: layers.SpatialDropout2D(0.5)),
    ("AlphaDropout", lambda: layers.AlphaDropout(0.5)),
    ("GaussianDropout", lambda: layers.GaussianDropout(0.5)),
    ("GaussianNoise", lambda: layers.GaussianNoise(0.5)),
    ("ActivityRegularization", lambda: layers.ActivityRegularization(0.5)),
)
# Layer, and whether f(z * x) = z * f(x) for z >= 0.
ACTIVATIONS = (
    ("relu", lambda: layers.ReLU(), True),
    ("sloped_relu", lambda: layers.ReLU(negative_slope=0.3), True),
    ("clipped_relu", lambda: layers.ReLU(max_value=0.5), False),
    ("shifted_relu", lambda: layers.ReLU(threshold=0.2), False),
    ("leaky_relu", lambda: layers.LeakyReLU(0.1), True),
    ("elu", lambda: layers.ELU(0.5), False),
    ("linear", lambda: layers.Activation("linear"), True),
    ("activation_relu", lambda: layers.Activation("relu"), True),
    ("activation_leaky_relu", lambda: layers.Activation("leaky_relu"), True),
    ("relu6", lambda: layers.Activation("relu6"), False),
    ("gelu", lambda: layers.Activation("gelu"), False),
    ("sigmoid", lambda: layers.Activation("sigmoid"), False),
    ("softplus", lambda: layers.Activation("softplus"), False),
    ("exponential", lambda: layers.Activation("exponential"), False),
)
SHAPE = (3, 2, 4)


class ElementwiseRulesTest(RuleTestCase):
    @parameterized.named_parameters(*NOISE)
    def test_noise_is_the_identity(self, make):
        layer = make()
        output = self.check(layer, self.probe(SHAPE, KNOWN))
        self.assertAllEqual(output.known, [True, False, True, False])
        self.assertAllEqual(output.value, [0.7, 0.0, -0.4, 0.0])
        self.assertTrue(self.commutes(layer))

    @parameterized.named_parameters(*ACTIVATIONS)
    def test_activation_layers(self, make, commutes):
        layer = make()
        output = self.check(layer, self.probe(SHAPE, KNOWN))
        self.assertAllEqual(output.known, [True, False, True, False])
        self.assertEqual(self.commutes(layer), commutes)

    @parameterized.named_parameters(
        *(case[:2] for case in ACTIVATIONS if case[2]), *NOISE
    )
    def test_what_is_said_to_commute_with_factors_does(self, make):
        layer = make()
        (x, _), z = self.probe(SHAPE).arrays, np.array([0.0, 0.3, 1.0, 0.7])
        self.assertAllClose(
            self.run_layer(layer, [z * x]),
            z * self.run_layer(layer, [x]),
            rtol=1e-13,
            atol=1e-15,
        )

    def commutes(self, layer):
        return find_rule(layer).commutes_with_scale(self.call(layer, SHAPE))

    def test_activations_that_couple_channels_are_barriers(self):
        def double(x):
            return x * 2.0

        for activation in ("softmax", "log_softmax", "sparsemax", double):
            layer = layers.Activation(activation)
            self.assertEqual(
                self.barrier(layer, SHAPE), Barrier.COUPLED_CHANNELS
            )


class PReLURuleTest(RuleTestCase):
    @parameterized.product(
        shared_axes=(None, [1], [1, 2], [3], [1, 2, 3]),
        known=({}, KNOWN, {0: -1.0, 1: -0.5, 2: 0.3, 3: 0.0}),
    )
    def test_prelu(self, shared_axes, known):
        layer = layers.PReLU(shared_axes=shared_axes)
        self.check(layer, self.probe(SHAPE, known))

    @parameterized.parameters(None, [1])
    def test_other_axis(self, shared_axes):
        layer = layers.PReLU(shared_axes=shared_axes)
        self.check(layer, self.probe(SHAPE, {0: -1.0, 1: 2.0}, axis=1))

    def test_negative_constant_stays_one_if_alpha_is_the_same_all_over(self):
        for shared_axes, known in (([1, 2], True), (None, False)):
            layer = layers.PReLU(shared_axes=shared_axes)
            output = self.check(layer, self.probe(SHAPE, {0: -1.0}))
            self.assertEqual(output.known[0], known)

    def test_commutes_with_factors(self):
        layer = layers.PReLU()
        call = self.call(layer, SHAPE)
        self.assertTrue(find_rule(layer).commutes_with_scale(call))
        (x, _), z = self.probe(SHAPE).arrays, np.array([0.0, 0.3, 1.0, 0.7])
        self.assertAllClose(
            self.run_layer(layer, [z * x]),
            z * self.run_layer(layer, [x]),
            rtol=1e-13,
            atol=1e-15,
        )

    def test_one_alpha_serves_channels_of_any_number(self):
        layer = layers.PReLU(shared_axes=[1, 2, 3])
        self.check(layer, self.probe(SHAPE, {1: keras.config.epsilon()}))


if __name__ == "__main__":
    absltest.main()
