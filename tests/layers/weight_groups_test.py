"""Tests of which weights a gate stands for, against what they influence."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.layers import weight_groups
from tests.layers import layer_cases
from tests.layers.layer_test_case import LayerTestCase

# Their groups cannot be told from derivatives by one gate's tensor alone, or
# an input's squared norms are refused.
EXCEPT_INPUTS = (
    "batch_normalization",
    "batch_normalization_without_scale",
    "conv2d_groups",
)
WITH_GROUPS = [
    (f"{name}_{on}", case, on)
    for name, case in layer_cases.NAMED
    for on in ("outputs", "inputs")
    if case.weights
    and getattr(case, on)
    and name != "dense_gated_along_time"
    and (name, on) != ("einsum_dense_heads", "inputs")
    and not (on == "inputs" and name in EXCEPT_INPUTS)
]


def built(case):
    layer = case.make()
    layer.build(case.input_shape)
    return layer


def groups_of(case, on):
    """The groups that the library finds, and the number of gates."""
    layer = built(case)
    axis, num_gates, _ = getattr(case, on)
    rank = len(case.input_shape)
    if on == "outputs":
        rank = len(layer.compute_output_shape(case.input_shape))
    groups = weight_groups.members(layer, on, axis % rank, rank)
    return layer, groups, num_gates


def influence(layer, x, axis, gate, on):
    """Derivatives by all weights of what one gate multiplies.

    Outputs: of the outputs of the gate's unit. Inputs: of all outputs, when
    the unit's input is the only one that is not zero, less those without it.
    """
    if on == "inputs":
        mask = np.zeros(x.shape, "float32")
        np.moveaxis(mask, axis, 0)[gate] = 1
        x = x * mask
    rng = np.random.default_rng(7)
    with tf.GradientTape() as tape:
        y = layer(x)
        unit = tf.gather(y, gate, axis=axis) if on == "outputs" else y
        value = tf.reduce_sum(unit * rng.normal(size=unit.shape))
    variables = [v.value for v in layer.weights]
    return tape.gradient(value, variables, unconnected_gradients="zero")


def squared_norms(layer, x, axis, num_gates, on):
    """Sum of squares of the weights that belong to each gate and no other."""
    touched = [
        [
            np.ravel(np.array(tf.convert_to_tensor(gradient)) != 0)
            for variable, gradient in zip(
                layer.weights,
                influence(layer, x, axis, gate, on),
                strict=True,
            )
            if not (on == "inputs" and variable.name == "bias")
        ]
        for gate in range(num_gates)
    ]
    touched = np.array([np.concatenate(row) for row in touched])
    weights = np.concatenate(
        [
            np.ravel(v.numpy())
            for v in layer.weights
            if not (on == "inputs" and v.name == "bias")
        ]
    )
    own = touched & (touched.sum(axis=0) == 1)
    return own @ np.square(weights, dtype="float64")


class WeightGroupsTest(LayerTestCase):
    @parameterized.named_parameters(*layer_cases.NAMED)
    def test_group_size(self, case):
        for on in ("outputs", "inputs"):
            if getattr(case, on):
                _, groups, num_gates = groups_of(case, on)
                self.assertEqual(
                    weight_groups.group_size(groups, num_gates),
                    getattr(case, on)[2],
                    on,
                )

    @parameterized.named_parameters(*WITH_GROUPS)
    def test_squared_norms_sum_what_depends_on_one_gate(self, case, on):
        layer, groups, num_gates = groups_of(case, on)
        x = case.input()
        axis = getattr(case, on)[0]
        if case.vocabulary:  # every entry of the table must be looked up
            x = np.resize(np.arange(case.vocabulary), (2, case.vocabulary))
        elif case.name.startswith("prelu"):  # the slopes act on negative x
            x = -abs(x)
        elif hasattr(layer, "activation"):  # a ReLU would hide weights
            layer.activation = keras.activations.linear
        expected = squared_norms(layer, x, axis, num_gates, on)
        norms = weight_groups.squared_norms(groups, num_gates)
        self.assertEqual(norms.dtype, tf.float32)
        self.assert_float32_close(norms, expected)

    def test_squared_norms_of_normalization(self):
        # gamma_c and beta_c, whichever side is gated.
        case = layer_cases.BY_NAME["batch_normalization"]
        for on in ("outputs", "inputs"):
            layer, groups, num_gates = groups_of(case, on)
            expected = layer.gamma.numpy() ** 2 + layer.beta.numpy() ** 2
            self.assert_float32_close(
                weight_groups.squared_norms(groups, num_gates), expected
            )

    def test_squared_norms_refuse_inputs_of_grouped_convolution(self):
        case = layer_cases.BY_NAME["conv2d_groups"]
        _, groups, num_gates = groups_of(case, "inputs")
        with self.assertRaisesRegex(
            ValueError,
            r"`l2` is not available here: .* grouped convolution .* "
            r"Received: kernel.shape=\(2, 2, 2, 4\)",
        ):
            weight_groups.squared_norms(groups, num_gates)

    def test_subclass_is_found_by_its_base(self):
        class Mine(keras.layers.Dense):
            pass

        layer = Mine(3)
        layer.build((2, 4))
        groups = weight_groups.members(layer, "outputs", 1, 2)
        self.assertEqual(weight_groups.group_size(groups, 3), 4 + 1)

    def test_wrapper_stands_for_what_it_wraps(self):
        first = keras.layers.Conv1D(3, 2, data_format="channels_first")
        layer = keras.layers.TimeDistributed(first)
        layer.build((2, 6, 4, 5))
        # Time, channels and length; only channels have weights.
        for axis, num_gates, size in ((1, 6, 1), (2, 3, 2 * 4 + 1), (3, 4, 1)):
            groups = weight_groups.members(layer, "outputs", axis, 4)
            self.assertEqual(weight_groups.group_size(groups, num_gates), size)

        layer = keras.layers.SpectralNormalization(keras.layers.Dense(3))
        layer.build((2, 4))
        groups = weight_groups.members(layer, "inputs", 1, 2)
        self.assertEqual(weight_groups.group_size(groups, 4), 3)

    def test_unknown_layer_has_no_groups(self):
        layer = keras.layers.RNN(keras.layers.LSTMCell(3))
        layer.build((2, 5, 4))
        groups = weight_groups.members(layer, "outputs", 1, 2)
        self.assertEmpty(groups)
        self.assertEqual(weight_groups.group_size(groups, 3), 1)

    def test_linear_maps(self):
        linear = {
            "dense",
            "einsum_dense",
            "conv1d",
            "conv2d",
            "conv3d",
            "conv1d_transpose",
            "conv2d_transpose",
            "conv3d_transpose",
            "depthwise_conv1d",
            "depthwise_conv2d",
        }
        others = {
            "separable_conv1d",
            "batch_normalization",
            "embedding",
            "prelu",
            "activation",
        }
        for name in linear | others:
            layer = built(layer_cases.BY_NAME[name])
            self.assertEqual(
                weight_groups.is_linear_map(layer), name in linear, name
            )


if __name__ == "__main__":
    absltest.main()
