"""Chains: one layer behind the other."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class ChainsTest(PatternTestCase):
    @parameterized.product(use_bias=(True, False), gate=("first", "reader"))
    def test_dense_dense(self, use_bias, gate):
        x = keras.Input((4,))
        first = layers.Dense(6, "tanh", use_bias=use_bias, name="first")
        reader = layers.Dense(3, use_bias=use_bias, name="reader")
        if gate == "first":
            y = reader(self.gate(first, GATES)(x))
        else:
            y = self.gate(reader, GATES, on="inputs")(first(x))
        small = self.check(x, y, first=4, reader=3)
        self.assertEqual(small.get_layer("reader").kernel.shape, (4, 3))
        self.assertEqual(small.get_layer("reader").use_bias, use_bias)

    @parameterized.parameters(True, False)
    def test_conv_conv(self, use_bias):
        x = keras.Input((6, 5, 3))
        first = layers.Conv2D(6, 3, use_bias=use_bias, name="first")
        y = self.gate(first, GATES)(x)
        y = layers.Conv2D(4, 2, use_bias=use_bias, name="reader")(y)
        small = self.check(x, y, first=4, reader=4)
        self.assertEqual(small.get_layer("reader").kernel.shape, (2, 2, 4, 4))
        self.assertEqual(small.get_layer("reader").use_bias, use_bias)

    @parameterized.parameters("convolution", "norm", "relu")
    def test_conv_norm_relu_conv(self, place):
        x = keras.Input((6, 5, 3))
        y = x
        for name, layer in (
            ("convolution", layers.Conv2D(6, 3, use_bias=False, name="conv")),
            ("norm", layers.BatchNormalization(name="norm")),
            ("relu", layers.ReLU(name="relu")),
        ):
            y = self.gate(layer, GATES)(y) if name == place else layer(y)
        y = layers.Conv2D(2, 2)(y)
        # Behind the norm a dead unit is a positive constant, or 0.
        self.check(x, y, conv=4, norm=4, relu=4)

    def test_kernel_that_is_larger_than_the_image(self):
        x = keras.Input((2, 2, 3))
        conv = layers.Conv2D(6, 5, padding="same", activation="softplus")
        y = self.gate(conv, GATES)(x)
        y = layers.Conv2D(6, 7, padding="same", name="next")(y)
        y = self.gate(layers.Activation("sigmoid"), GATES)(y)
        self.check(x, layers.Conv2D(1, 3, padding="same")(y), next=4)

    def test_convolution_with_a_single_output_channel(self):
        x = keras.Input((6, 5, 3))
        y = self.gate(layers.Conv2D(6, 3, activation="gelu"), GATES)(x)
        y = self.gate(layers.Conv2D(1, 2, name="one"), [0.4])(y)
        small = self.check(x, layers.Conv2D(1, 1, name="end")(y), one=1, end=1)
        self.assertEqual(small.get_layer("one").kernel.shape, (2, 2, 4, 1))

    def test_last_layer_keeps_its_units(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(6, "relu", name="hidden"), GATES)(x)
        self.check(x, layers.Dense(6, name="last")(y), hidden=4, last=6)

    @parameterized.named_parameters(
        ("leaky_relu", lambda: layers.LeakyReLU(0.2)),
        ("elu", lambda: layers.ELU()),
        ("relu", lambda: layers.ReLU()),
        ("capped_relu", lambda: layers.ReLU(6.0, 0.1)),
        ("thresholded_relu", lambda: layers.ReLU(threshold=0.5)),
        ("prelu", lambda: layers.PReLU()),
        ("prelu_of_channels", lambda: layers.PReLU(shared_axes=[1])),
        ("swish", lambda: layers.Activation("swish")),
        ("tanh", lambda: layers.Activation("tanh")),
        ("softsign", lambda: layers.Activation("softsign")),
        ("hard_sigmoid", lambda: layers.Activation("hard_sigmoid")),
        ("hard_swish", lambda: layers.Activation("hard_swish")),
        ("mish", lambda: layers.Activation("mish")),
        ("selu", lambda: layers.Activation("selu")),
    )
    def test_activation_between(self, make):
        x = keras.Input((5, 3))
        y = self.gate(layers.Conv1D(6, 2, name="first"), GATES)(x)
        y = layers.Conv1D(6, 2, name="second")(make()(y))
        y = self.gate(make(), GATES)(y)
        y = layers.Conv1D(2, 1, name="reader")(y)
        self.check(x, y, first=4, second=4, reader=2)

    def test_softmax_between(self):
        # Every share depends on every unit: those before the gate stay.
        x = keras.Input((5, 3))
        y = self.gate(layers.Conv1D(6, 2, name="first"), GATES)(x)
        y = layers.Conv1D(6, 2, name="second")(layers.Softmax()(y))
        y = self.gate(layers.Softmax(), GATES)(y)
        y = layers.Conv1D(2, 1, name="reader")(y)
        small = self.check(
            x, y, [Barrier.COUPLED_CHANNELS] * 2, first=4, second=6
        )
        self.assertEqual(small.get_layer("reader").kernel.shape, (1, 4, 2))

    @parameterized.named_parameters(
        ("dropout", lambda: layers.Dropout(0.5)),
        ("gaussian_noise", lambda: layers.GaussianNoise(0.5)),
        ("gaussian_dropout", lambda: layers.GaussianDropout(0.5)),
        ("alpha_dropout", lambda: layers.AlphaDropout(0.5)),
        ("spatial_dropout", lambda: layers.SpatialDropout1D(0.5)),
        ("activity_regularization", lambda: layers.ActivityRegularization(1.0)),
    )
    def test_noise_between(self, make):
        x = keras.Input((5, 3))
        y = self.gate(layers.Conv1D(6, 2, name="first"), GATES)(x)
        y = layers.Conv1D(6, 2, activation="selu", name="second")(make()(y))
        y = self.gate(make(), GATES)(y)
        self.check(x, layers.Conv1D(2, 1)(y), first=4, second=4)


if __name__ == "__main__":
    absltest.main()
