"""Layers behind which a careless removal of units changes the outputs."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import units

GATES = [0, 1, 0.3, 0, 0.8]
NOT_ZERO_AT_ZERO = ("sigmoid", "softplus", "exponential", "hard_sigmoid")


class ConstantsTest(StripTestCase):
    """A dead unit need not be 0."""

    @parameterized.product(
        activation=NOT_ZERO_AT_ZERO,
        bend=("before", "after"),
        last=(True, False),
    )
    def test_activations_that_are_not_zero_at_zero(
        self, activation, bend, last
    ):
        x = keras.Input((4,))
        if bend == "after":
            y = self.gate(layers.Dense(5), GATES)(x)
            y = layers.Activation(activation)(y)
        else:
            y = self.gate(layers.Dense(5, activation=activation), GATES)(x)
        y = layers.Dense(3, name="reader")(y) if last else y
        small, report = self.strip(self.finish(x, y))
        self.assertEqual(report.layers[0].units_after, 3)
        if last:
            self.assertEqual(
                report.layers[1].folded, 2 if bend == "after" else 0
            )

    @parameterized.product(center=(True, False), scale=(True, False))
    def test_batch_normalization_behind_a_gate(self, center, scale):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 3), GATES)(x)
        y = layers.BatchNormalization(center=center, scale=scale, name="norm")(
            y
        )
        y = layers.Conv1D(2, 2, name="reader")(layers.ReLU()(y))
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(units(small, "norm"), 3)

    def test_bias_behind_a_gate(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5), GATES, on="inputs")(
            layers.Dense(5, activation="tanh")(x)
        )
        y = layers.Dense(5, activation="softplus", name="second")(y)
        y = self.gate(layers.Dense(2, name="third"), GATES, on="inputs")(y)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(units(small, "second"), 3)

    def test_layer_of_constants_only_leaves_a_bias(self):
        x = keras.Input((4,))
        dead = self.gate(layers.Dense(5), [0] * 5)(x)
        dead = layers.Dense(3, activation="sigmoid", name="dead")(dead)
        y = layers.Concatenate()([dead, layers.Dense(2, name="live")(x)])
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertNotIn("dead", [layer.name for layer in small.layers])
        self.assertEqual(small.count_params(), (4 + 1) * 2 + (2 + 1) * 2)

    def test_units_whose_kernels_are_zero_are_constants_too(self):
        x = keras.Input((4,))
        first = layers.Dense(5, activation="sigmoid", name="first")
        y = self.gate(layers.Identity(), [1] * 5)(first(x))
        model = self.finish(x, layers.Dense(2)(y))
        first.kernel.assign(first.kernel.numpy() * [1, 0, 1, 0, 1])
        small, _ = self.strip(model)
        self.assertEqual(units(small, "first"), 3)


class PaddingTest(StripTestCase):
    """At the border a kernel does not see a constant that is not 0."""

    def check(self, first, reader, shape=(5, 4, 3), activation="sigmoid"):
        x = keras.Input(shape)
        y = self.gate(first, GATES, name="gate")(x)
        y = layers.Activation(activation)(y)
        model = self.finish(x, layers.ReLU()(reader(y)))
        # Means would hide what happens at the border only.
        return self.strip(model)

    @parameterized.parameters(1, 2)
    def test_same_padding_keeps_one_channel_of_ones(self, strides):
        small, _ = self.check(
            layers.Conv2D(5, 2),
            layers.Conv2D(2, 3, strides, "same", name="reader"),
        )
        self.assertEqual(small.get_layer("reader").kernel.shape[2], 3 + 1)

    def test_valid_padding_folds(self):
        small, report = self.check(
            layers.Conv2D(5, 2), layers.Conv2D(2, 2, name="reader")
        )
        self.assertEqual(small.get_layer("reader").kernel.shape[2], 3)
        self.assertEqual(report.layers[1].folded, 2)

    def test_zeros_under_padding_go(self):
        small, _ = self.check(
            layers.Conv2D(5, 2),
            layers.Conv2D(2, 3, padding="same", name="reader"),
            activation="tanh",
        )
        self.assertEqual(small.get_layer("reader").kernel.shape[2], 3)

    @parameterized.parameters("causal", "same")
    def test_one_dimension(self, padding):
        small, _ = self.check(
            layers.Conv1D(5, 2),
            layers.Conv1D(
                2, 3, padding=padding, dilation_rate=2, name="reader"
            ),
            shape=(7, 3),
        )
        self.assertEqual(small.get_layer("reader").kernel.shape[1], 3 + 1)

    def test_padded_pooling_leaves_constants_alone(self):
        x = keras.Input((5, 5, 3))
        y = layers.Activation("sigmoid")(
            self.gate(layers.Conv2D(5, 1), GATES)(x)
        )
        y = layers.AveragePooling2D(3, 2, padding="same")(y)
        y = layers.MaxPooling2D(2, 2, padding="same")(y)
        _, report = self.strip(self.finish(x, layers.Dense(2, name="end")(y)))
        self.assertEqual(report.layers[-1].folded, 2)


class CouplingTest(StripTestCase):
    """Where every channel depends on all, all of them are needed."""

    @parameterized.named_parameters(
        ("softmax", lambda: layers.Softmax()),
        ("layer_normalization", lambda: layers.LayerNormalization()),
        ("group_normalization", lambda: layers.GroupNormalization(1)),
        ("unit_normalization", lambda: layers.UnitNormalization()),
        ("rms_normalization", lambda: layers.RMSNormalization()),
        ("separable", lambda: layers.SeparableConv1D(3, 2)),
        ("depthwise", lambda: layers.DepthwiseConv1D(2, depth_multiplier=2)),
        ("transposed", lambda: layers.Conv1DTranspose(3, 2)),
        ("lstm", lambda: layers.LSTM(3)),
        ("einsum", lambda: layers.EinsumDense("bta,ac->btc", (None, 3))),
        ("permute", lambda: layers.Permute((2, 1))),
        ("up_sampling", lambda: layers.UpSampling1D(2)),
        ("zero_padding", lambda: layers.ZeroPadding1D(1)),
    )
    def test_constants_are_put_in_or_folded(self, make):
        x = keras.Input((6, 4))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        y = layers.Activation("sigmoid")(y)
        _, report = self.strip(self.finish(x, make()(y)))
        reasons = {row.reason for row in report.barriers}
        self.assertContainsSubset(reasons, {Barrier.COUPLED_CHANNELS})
        self.assertEqual(report.layers[0].units_after, 3)

    @parameterized.named_parameters(
        ("l2_normalize", lambda y: ops.normalize(y, axis=-1)),
        ("log_softmax", lambda y: ops.log_softmax(y, axis=-1)),
        ("own_cell", lambda y: layers.RNN(layers.GRUCell(3))(y)),
    )
    def test_layers_without_a_rule(self, behind):
        x = keras.Input((6, 4))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        _, report = self.strip(self.finish(x, behind(y)))
        self.assertEqual([b.reason for b in report.barriers], [Barrier.NO_RULE])
        # What comes before the gate still shrinks.
        self.assertEqual(report.layers[0].units_after, 3)

    def test_softmax_of_a_dense_layer(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="softmax"), GATES)(x)
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(report.layers[0].units_after, 5)

    def test_groups(self):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(6, 2), [0, 1, 0, 1, 0.3, 1])(x)
        y = layers.Conv1D(4, 2, groups=2, name="grouped")(y)
        y = self.gate(layers.ReLU(), [0, 1, 0.3, 0])(y)
        y = layers.Conv1D(2, 1, name="reader")(y)
        small, report = self.strip(self.finish(x, y))
        self.assertEmpty(report.barriers)
        grouped = small.get_layer("grouped")
        # One of two filters in each group. They see one and three inputs: the
        # smaller group is filled up.
        self.assertEqual(grouped.kernel.shape, (2, 3, 2))
        self.assertEqual(grouped.groups, 2)

    def test_attention(self):
        x = keras.Input((6, 5))
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(x)
        y = layers.MultiHeadAttention(2, 3, value_dim=2)(y, y, x)
        y = self.gate(layers.GRU(5, return_sequences=True), GATES)(y)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    def test_subclass_with_a_call_of_its_own(self):
        class Own(layers.Dense):
            def call(self, inputs):
                return super().call(inputs) + ops.mean(inputs)

        x = keras.Input((4,))
        y = self.gate(layers.Dense(5), GATES)(x)
        _, report = self.strip(self.finish(x, Own(2, name="own")(y)))
        (barrier,) = report.barriers
        self.assertEqual(
            (barrier.name, barrier.layer, barrier.reason),
            ("own", "Own", Barrier.OVERRIDDEN_CALL),
        )

    def test_subclass_with_a_convolution_of_its_own(self):
        class Standardized(layers.Conv2D):
            def convolution_op(self, inputs, kernel):
                mean = ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
                return super().convolution_op(inputs, kernel - mean)

        x = keras.Input((5, 4, 3))
        y = self.gate(layers.Conv2D(5, 2), GATES)(x)
        y = layers.Activation("sigmoid")(y)
        _, report = self.strip(self.finish(x, Standardized(2, 2)(y)))
        (barrier,) = report.barriers
        self.assertEqual(barrier.reason, Barrier.OVERRIDDEN_CALL)


if __name__ == "__main__":
    absltest.main()
