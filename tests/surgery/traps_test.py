"""Networks in which a careless removal of units changes the outputs."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

import keras_l0
from keras_l0.surgery import Barrier
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import outputs
from tests.surgery.strip_test_case import units

GATES = [0, 1, 0.3, 0, 0.8]
# f(0) = 0.5, 0.69, 1, -0.25, 0.5.
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
        ("group_normalization", lambda: layers.GroupNormalization(5)),
        ("unit_normalization", lambda: layers.UnitNormalization()),
        ("rms_normalization", lambda: layers.RMSNormalization()),
        ("l2_normalize", lambda: lambda y: ops.normalize(y, axis=-1)),
        ("separable", lambda: layers.SeparableConv1D(3, 2)),
        ("depthwise", lambda: layers.DepthwiseConv1D(2, depth_multiplier=2)),
        ("transposed", lambda: layers.Conv1DTranspose(3, 2)),
        ("lstm", lambda: layers.LSTM(3)),
        ("einsum", lambda: layers.EinsumDense("bta,ac->btc", (None, 3))),
        ("permute", lambda: layers.Permute((2, 1))),
        ("up_sampling", lambda: layers.UpSampling1D(2)),
        ("zero_padding", lambda: layers.ZeroPadding1D(1)),
    )
    def test_layers_without_a_rule(self, make):
        x = keras.Input((6, 4))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        model = self.finish(x, make()(y))
        _, report = self.strip(model)
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
        _, report = self.strip(self.finish(x, layers.Conv1D(2, 1)(y)))
        (barrier,) = report.barriers
        self.assertEqual(barrier.reason, Barrier.GROUPED_KERNEL)

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


class SoftGatesTest(StripTestCase):
    """Gates between 0 and 1 belong into a kernel, but not always into which."""

    SOFT = [0.2, 1, 0.3, 0.5, 0.8]

    @parameterized.parameters(
        "relu", "leaky_relu", "gelu", "sigmoid", "softmax"
    )
    def test_behind_an_activation(self, activation):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation=activation), self.SOFT)(x)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        # In one kernel or the other: nothing is left to multiply.
        self.assertLen(small.operations, 3)

    @parameterized.parameters("relu", "gelu", "sigmoid")
    def test_in_front_of_an_activation(self, activation):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5), self.SOFT)(x)
        y = layers.Activation(activation)(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertLen(small.operations, 4)

    @parameterized.product(scale=(True, False), center=(True, False))
    def test_batch_normalization_under_and_behind_gates(self, scale, center):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 2, activation="gelu"), self.SOFT)(x)
        norm = layers.BatchNormalization(scale=scale, center=center)
        y = self.gate(norm, self.SOFT[::-1])(y)
        y = layers.Activation("gelu")(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        if scale:  # gamma takes both
            self.assertLen(small.operations, 5)

    @parameterized.parameters("relu", "gelu")
    def test_several_consumers(self, activation):
        x = keras.Input((4,))
        hidden = layers.Dense(5, activation=activation, name="hidden")
        y = self.gate(hidden, GATES)(x)
        ends = [layers.Dense(2)(y), layers.Dense(3)(y), layers.Softmax()(y)]
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(units(small, "hidden"), 3)

    def test_ungated_reader_of_the_same_layer(self):
        x = keras.Input((4,))
        hidden = layers.Dense(5, activation="relu", name="hidden")(x)
        gated = self.gate(layers.Identity(), GATES)(hidden)
        ends = [layers.Dense(2)(hidden), layers.Dense(2)(gated)]
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(units(small, "hidden"), 5)

    @parameterized.parameters("outputs", "inputs", "weights")
    def test_each_place(self, on):
        x = keras.Input((5,))
        rng = np.random.default_rng(3)
        number = 25 if on == "weights" else 5
        gates = rng.choice([0.0, 0.3, 1.0], number)
        y = layers.Activation("softplus")(x)
        y = self.gate(layers.Dense(5, activation="gelu"), gates, on=on)(y)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    def test_gates_on_outputs_and_inputs_of_one_layer(self):
        x = keras.Input((5,))
        y = layers.Dense(5, activation="gelu", name="first")(x)
        inner = self.gate(layers.Dense(4, name="second"), GATES, on="inputs")
        y = self.gate(inner, [1, 0, 0.3, 1])(y)
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(units(small, "first"), 3)
        self.assertEqual(units(small, "second"), 3)


class OutputsTest(StripTestCase):
    """What the user sees keeps its shape."""

    def test_gate_on_a_model_output(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5), GATES, name="gate")(x)
        small, report = self.strip(self.finish(x, y))
        self.assertEqual(small.output_shape, (None, 5))
        self.assertEqual(report.layers[0].units_after, 3)
        data = self.rng.normal(size=(2, 4))
        self.assertAllEqual(
            outputs(small, data)[0][:, [0, 3]], np.zeros((2, 2))
        )

    def test_intermediate_outputs(self):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 2, activation="relu"), GATES)(x)
        z = layers.BatchNormalization()(y)
        self.strip(self.finish(x, [y, z, layers.Dense(2)(z), x, y]))

    def test_gated_model_input(self):
        x = keras.Input((5,), name="features")
        y = self.gate(layers.Dense(3, name="first"), GATES, on="inputs")(x)
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(small.input_shape, (None, 5))
        self.assertEqual(small.get_layer("first").kernel.shape, (3, 3))

    @parameterized.parameters("dict", "list", "tuple", "nested")
    def test_structures(self, kind):
        a, b = keras.Input((3,), name="a"), keras.Input((4,), name="b")
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(b)
        z = layers.Add()([layers.Dense(5)(a), y])
        inputs, ends = {
            "dict": ({"b": b, "a": a}, {"z": z, "y": y}),
            "list": ([b, a], [z, y]),
            "tuple": ((a, b), (y, z)),
            "nested": ({"a": a, "b": b}, {"z": [z, y], "a": a}),
        }[kind]
        model = self.finish(inputs, ends)
        small, _ = self.strip(model)
        x = self.data(model)
        keras.tree.assert_same_structure(
            small(x, training=False), model(x, training=False)
        )


class PathsTest(StripTestCase):
    """Tensors that are read in several ways."""

    def test_diamond(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        left = layers.Dense(5, activation="gelu")(y)
        z = layers.Add()([left, y])
        self.strip(self.finish(x, layers.Dense(2)(layers.Add()([z, y]))))

    def test_flatten_and_global_pooling_of_one_tensor(self):
        x = keras.Input((5, 4, 3))
        conv = layers.Conv2D(5, 2, activation="sigmoid", name="conv")
        y = layers.Activation("softplus")(self.gate(conv, GATES)(x))
        ends = [
            layers.Dense(3, name="flat")(layers.Flatten()(y)),
            layers.Dense(3, name="mean")(layers.GlobalAveragePooling2D()(y)),
        ]
        small, _ = self.strip(self.finish(x, layers.Add()(ends)))
        self.assertEqual(units(small, "conv"), 3)
        self.assertEqual(small.get_layer("flat").kernel.shape[0], 4 * 3 * 3)
        self.assertEqual(small.get_layer("mean").kernel.shape[0], 3)

    def test_add_of_a_tensor_to_itself(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(x)
        self.strip(self.finish(x, layers.Dense(2)(layers.Add()([y, y]))))

    def test_concatenation_of_a_tensor_with_itself(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="softplus"), GATES)(x)
        y = layers.Activation("sigmoid")(layers.Concatenate()([y, x, y]))
        small, _ = self.strip(self.finish(x, layers.Dense(2, name="end")(y)))
        self.assertEqual(small.get_layer("end").kernel.shape[0], 3 + 4 + 3)

    def test_cascade_of_concatenations(self):
        y = x = keras.Input((5, 5, 2))
        for i in range(3):
            conv = layers.Conv2D(5, 3, padding="same", activation="relu")
            grown = self.gate(conv, np.roll(GATES, i))(y)
            y = layers.Concatenate()([y, grown])
            y = layers.BatchNormalization()(y)
        self.strip(self.finish(x, layers.GlobalMaxPooling2D()(y)))

    def test_concatenation_along_another_axis(self):
        x = keras.Input((4, 3))
        parts = [
            self.gate(layers.Dense(5), gates)(x)
            for gates in (GATES, GATES[::-1])
        ]
        y = layers.Concatenate(axis=1)(parts)
        y = layers.Conv1D(2, 2)(layers.Activation("sigmoid")(y))
        self.strip(self.finish(x, y))

    def test_shared_layer_fed_by_two_gated_ones(self):
        x = keras.Input((4,))
        shared = layers.Dense(3)
        left, right = (
            self.gate(layers.Dense(5, activation="softplus"), gates)(x)
            for gates in (GATES, GATES[::-1])
        )
        self.strip(self.finish(x, [shared(left), shared(right)]))

    def test_nested_model_that_is_called_twice(self):
        z = keras.Input((4,))
        inner = self.gate(layers.Dense(5, activation="gelu"), GATES)(z)
        inner = keras.Model(z, layers.Dense(4)(inner), name="inner")
        x = keras.Input((4,))
        self.strip(self.finish(x, inner(inner(x))))

    def test_gates_around_a_nested_model(self):
        inner = keras.Sequential(
            [keras.Input((4,)), layers.Dense(6), layers.Dense(5, name="last")],
            name="inner",
        )
        inner(np.zeros((1, 4)))
        x = keras.Input((4,))
        y = self.gate(inner, GATES)(x)
        _, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        rows = {row.name: row.units_after for row in report.layers}
        self.assertEqual(rows["inner/last"], 3)

    def test_sum_that_is_read_for_its_constants_only(self):
        # What is left of the sum is a constant, under padding; the branch that
        # carries it holds another channel for somebody else.
        x = keras.Input((5, 5, 2))
        first, second = (layers.Conv2D(2, 1, name=n) for n in ("a", "b"))
        a, b = first(x), second(x)
        y = layers.Add()([a, b])
        y = self.gate(layers.Activation("linear"), [0, 1])(y)
        y = layers.Conv2D(2, 3, padding="same")(y)
        model = self.finish(x, [y, layers.Conv2D(2, 1)(a)])
        for layer in (first, second):
            layer.kernel.assign(layer.kernel.numpy() * [1, 0])
        self.strip(model)


class ResidualTest(StripTestCase):
    def block(self, x, gates, activation="relu", name="inner"):
        y = layers.Conv2D(5, 3, padding="same", activation="relu", name=name)(x)
        y = layers.BatchNormalization()(y)
        y = layers.Conv2D(4, 3, padding="same", activation=activation)(y)
        return layers.Add()([x, self.gate(layers.Identity(), gates)(y)])

    def test_dead_branch_vanishes(self):
        x = keras.Input((5, 5, 4))
        y = self.block(x, [0, 0, 0, 0])
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(
            [type(la).__name__ for la in small.layers], ["InputLayer", "Dense"]
        )
        self.assertEqual(report.params_after, 4 * 2 + 2)

    def test_dead_branch_that_leaves_a_constant(self):
        x = keras.Input((5, 5, 4))
        dead = self.gate(layers.Conv2D(4, 3, padding="same"), [0] * 4)(x)
        dead = layers.Activation("sigmoid")(dead)
        y = layers.Add()([dead, x])
        small, _ = self.strip(self.finish(x, layers.Conv2D(2, 3)(y)))
        self.assertEqual(small.count_params(), 9 * 4 * 2 + 2)
        self.assertLen(small.layers, 2)

    def test_chain_of_blocks(self):
        y = x = keras.Input((5, 5, 4))
        for i, gates in enumerate(
            ([0, 1, 0.3, 1], [0, 0, 0, 0], [0, 0, 1, 0.5])
        ):
            y = self.block(y, gates, "gelu", name=f"inner{i}")
        y = layers.GlobalAveragePooling2D()(y)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    def test_union_of_the_branches_is_kept(self):
        x = keras.Input((4,))
        left = self.gate(layers.Dense(5, name="left"), [0, 0, 1, 1, 0.3])(x)
        right = self.gate(layers.Dense(5, name="right"), [0, 1, 1, 0, 0])(x)
        y = layers.ReLU(name="sum")(layers.Add()([left, right]))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(units(small, "left"), 3)
        self.assertEqual(units(small, "right"), 2)
        self.assertEqual(units(small, "sum"), 4)


class ShapesTest(StripTestCase):
    def test_open_spatial_shape(self):
        x = keras.Input((None, None, 3))
        conv = layers.Conv2D(5, 3, padding="same", activation="softplus")
        y = layers.MaxPooling2D()(self.gate(conv, GATES)(x))
        y = layers.Conv2D(4, 3, padding="same")(layers.Activation("sigmoid")(y))
        y = self.gate(layers.GlobalAveragePooling2D(), [1, 0, 0.3, 1])(y)
        model = self.finish(x, layers.Dense(2)(y))
        for shape in ((2, 7, 5, 3), (1, 4, 9, 3)):
            self.strip(model, self.rng.normal(size=shape))

    def test_fixed_batch(self):
        x = keras.Input(batch_shape=(1, 6, 4))
        y = self.gate(layers.Dense(5, activation="gelu"), GATES)(x)
        y = layers.Flatten()(layers.LayerNormalization()(y))
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model, self.rng.normal(size=(1, 6, 4)))
        self.assertEqual(small.input_shape, (1, 6, 4))

    def test_one_unit_and_one_position(self):
        x = keras.Input((1, 1, 1))
        y = self.gate(layers.Conv2D(1, 1, activation="sigmoid"), [0.3])(x)
        y = layers.Flatten()(layers.BatchNormalization()(y))
        self.strip(self.finish(x, layers.Dense(1)(y)))

    def test_channels_first(self):
        # Keras has no channels-first convolution for a CPU; the rest it has.
        keras.config.set_image_data_format("channels_first")
        x = keras.Input((5, 6, 6))
        y = self.gate(layers.MaxPooling2D(), GATES, axis=1)(x)
        y = layers.BatchNormalization(axis=1)(y)
        y = self.gate(layers.AveragePooling2D(2, 1), [1, 0, 1, 0, 0.3], axis=1)(
            y
        )
        ends = [
            layers.Dense(2, name="flat")(layers.Flatten()(y)),
            layers.Dense(2, name="mean")(layers.GlobalAveragePooling2D()(y)),
        ]
        small, _ = self.strip(self.finish(x, ends))
        self.assertEqual(small.get_layer("flat").kernel.shape[0], 4 * 2)
        self.assertEqual(small.get_layer("mean").kernel.shape[0], 2)

    def test_channels_first_convolutions_are_cut_as_channels_last_ones(self):
        def network(data_format):
            first = data_format == "channels_first"
            x = keras.Input((3, 9, 8) if first else (9, 8, 3))
            options = {"data_format": data_format}
            conv = layers.Conv2D(5, 3, activation="sigmoid", **options)
            gated = keras_l0.L0Gate(conv, axis=1 if first else -1)
            y = layers.MaxPooling2D(**options)(gated(x))
            y = layers.Conv2D(4, 2, activation="relu", **options)(y)
            y = layers.Flatten(**options)(y)
            model = keras.Model(x, layers.Dense(2)(y))
            gated.gate_vector.logits.assign([-4.0, 4.0, 0.3, -4.0, 1.0])
            return model

        last, first = network("channels_last"), network("channels_first")
        self.fill(last)
        for a, b in zip(last.weights, first.weights, strict=True):
            b.assign(a)
        small_last, small_first = (
            keras_l0.strip_gates(m) for m in (last, first)
        )
        for a, b in zip(small_last.weights, small_first.weights, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())

    def test_channels_first_filters_as_many_as_pixels_in_a_row(self):
        # Keras would add the bias along the row of pixels: four filters of
        # five are left, on rows of four.
        keras.config.set_image_data_format("channels_first")
        x = keras.Input((2, 2, 2, 4))
        conv = layers.Conv3D(5, 1, name="conv")
        y = self.gate(conv, [1, 0, 1, 0.3, 1], axis=1)(x)
        y = layers.Dense(2)(layers.Flatten()(y))
        small, _ = self.strip(self.finish(x, y))
        self.assertEqual(small.get_layer("conv").filters, 5)


class StochasticTest(StripTestCase):
    def test_dropout_and_statistics_still_train(self):
        x = keras.Input((4,))
        y = self.gate(layers.Dense(5, activation="relu"), GATES)(x)
        y = layers.Dropout(0.5, seed=3)(layers.BatchNormalization()(y))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        data = self.rng.normal(size=(64, 4))
        norm = next(
            la
            for la in small.layers
            if isinstance(la, layers.BatchNormalization)
        )
        before = norm.moving_mean.numpy()
        first, second = (np.array(small(data, training=True)) for _ in range(2))
        self.assertNotAllClose(first, second)
        self.assertNotAllClose(before, norm.moving_mean.numpy())

    def test_per_example_gates(self):
        x = keras.Input((4,))
        layer = layers.Dense(5, activation="gelu")
        y = self.gate(layer, GATES, noise_shape=(None, 5))(x)
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(report.layers[0].units_after, 3)

    def test_compiled(self):
        x = keras.Input((6, 4))
        y = self.gate(layers.Conv1D(5, 3, padding="same"), GATES)(x)
        y = layers.Activation("sigmoid")(y)
        y = layers.Flatten()(layers.Conv1D(3, 3, padding="same")(y))
        model = self.finish(x, layers.Dense(2)(y))
        small, _ = self.strip(model)
        data = self.rng.normal(size=(5, 6, 4)).astype("float32")
        expected = model.predict(data, verbose=0)
        small.compile(jit_compile=True)
        actual = small.predict(data, verbose=0)
        # `predict` casts its inputs to float32, the networks compute in
        # float64; XLA adds in another order.
        scale = np.abs(expected).max()
        self.assertAllClose(actual, expected, rtol=0, atol=1e-10 * scale)


if __name__ == "__main__":
    absltest.main()
