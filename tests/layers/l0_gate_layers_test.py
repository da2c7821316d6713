"""Tests of `L0Gate` around every kind of layer against explicit products.

The gates may multiply the layer's weights instead of what `on` names; values
and gradients must not show it.
"""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests.layers import gate_oracle
from tests.layers import layer_cases
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import along
from tests.layers.layer_test_case import saturated
from tests.layers.layer_test_case import spread
from tests.layers.layer_test_case import twin

WITH_INPUTS = [row for row in layer_cases.NAMED if row[1].inputs]
WITH_WEIGHTS = [row for row in layer_cases.NAMED if row[1].weights]


class LearnsWhenClosed(keras_l0.gates.HardConcrete):
    """A step whose gradient is that of the logit, closed or open."""

    learns_when_closed = True

    def deterministic_gate(self, logits):
        step = tf.cast(logits > 0, tf.float32)
        return logits + tf.stop_gradient(step - logits)


def objective(y):
    """A number that depends on every output, and differently on each."""
    rng = np.random.default_rng(5)
    return tf.reduce_sum(y * rng.normal(size=y.shape).astype("float32"))


def gradients(tape, value, variables):
    """Dense gradients by tensors or Keras variables."""
    variables = [getattr(variable, "value", variable) for variable in variables]
    return [
        np.array(tf.convert_to_tensor(gradient))
        for gradient in tape.gradient(value, variables)
    ]


def by_outputs(layer, z, x, training, axis):
    """The layer's output times the gates: y, d/dz, d/dweights."""
    z = tf.constant(z, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        y = layer(x, training=training)
        y *= tf.reshape(z, along(z, axis, len(y.shape)).shape)
        value = objective(y)
    dz, *dw = gradients(tape, value, [z, *layer.trainable_weights])
    return y, dz, dw


def by_inputs(layer, z, x, training, axis):
    """The layer of the input times the gates."""
    z = tf.constant(z, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(z)
        gated = x * tf.reshape(z, along(z, axis, x.ndim).shape)
        y = layer(gated, training=training)
        value = objective(y)
    dz, *dw = gradients(tape, value, [z, *layer.trainable_weights])
    return y, dz, dw


def by_weights(layer, z, x, training, axis):
    """The layer whose weights other than biases are multiplied in order."""
    del axis
    factors, before, start = [], layer.get_weights(), 0
    for weight in layer.trainable_weights:
        size = np.prod(weight.shape, dtype=int)
        if weight.name in ("bias", "beta"):
            factors.append(np.ones(weight.shape))
        else:
            factors.append(np.reshape(z[start : start + size], weight.shape))
            start += size
        weight.assign(weight.numpy() * factors[-1])
    with tf.GradientTape() as tape:
        y = layer(x, training=training)
        value = objective(y)
    found = gradients(tape, value, layer.trainable_weights)
    dz = [
        np.ravel(w * g)
        for v, w, g in zip(layer.weights, before, found, strict=False)
        if v.name not in ("bias", "beta")
    ]
    dw = [factor * g for factor, g in zip(factors, found, strict=True)]
    return y, np.concatenate(dz), dw


class L0GateLayersTest(LayerTestCase):
    def check(self, case, on, gates, explicit):
        """Compares values and gradients with those of `explicit`."""
        axis, num_gates, *_ = gates
        x = case.input()
        gate = self.gate(case.make(), x, on=on, axis=axis)
        self.assertEqual(gate.gate_vector.num_gates, num_gates)
        for training, logits in (
            (False, spread(num_gates)),
            (True, saturated(num_gates)[0]),
        ):
            gate.gate_vector.logits.assign(logits)
            z = gate_oracle.deterministic_gate(logits)
            layer = twin(gate.layer, x.shape)
            y, dz, dw = explicit(layer, z, x, training, axis)
            with tf.GradientTape() as tape:
                actual = gate(x, training=training)
                value = objective(actual)
            self.assert_float32_close(actual, y)
            variables = [
                gate.gate_vector.logits,
                *gate.layer.trainable_weights,
            ]
            found = gradients(tape, value, variables)
            expected = [dz * gate_oracle.gate_slope(logits), *dw]
            for gradient, known in zip(found, expected, strict=True):
                # At most some 200 terms that cancel in part.
                self.assert_float32_close(gradient, known, ulps=1024)

    @parameterized.named_parameters(*layer_cases.NAMED)
    def test_outputs_are_multiplied(self, case):
        self.check(case, "outputs", case.outputs, by_outputs)

    @parameterized.named_parameters(*WITH_INPUTS)
    def test_inputs_are_multiplied(self, case):
        self.check(case, "inputs", case.inputs, by_inputs)

    @parameterized.named_parameters(*WITH_WEIGHTS)
    def test_weights_are_multiplied(self, case):
        self.check(case, "weights", (-1, case.weights), by_weights)

    @parameterized.parameters("dense_relu", "conv1d_leaky_relu", "dense")
    def test_closed_gates_learn_if_the_family_says_so(self, name):
        # The gradient of ReLU at 0 is 0: a gate of 0 in front of it is stuck.
        # Some weights leave a unit dead for every input; these do not.
        keras.utils.set_random_seed(2)
        case = layer_cases.BY_NAME[name]
        x = case.input()
        gate = self.gate(case.make(), x, gate=LearnsWhenClosed())
        gate.gate_vector.logits.assign([-1.0, 1.0, -2.0])
        layer = twin(gate.layer, x.shape)
        y, dz, dw = by_outputs(layer, [0.0, 1.0, 0.0], x, False, -1)
        self.assertTrue(np.all(dz != 0))
        with tf.GradientTape() as tape:
            actual = gate(x)
            value = objective(actual)
        self.assert_float32_close(actual, y)
        variables = [gate.gate_vector.logits, *gate.layer.trainable_weights]
        found = gradients(tape, value, variables)
        for gradient, known in zip(found, [dz, *dw], strict=True):
            self.assert_float32_close(gradient, known, ulps=1024)

    @parameterized.named_parameters(*layer_cases.NAMED)
    def test_open_gates_change_nothing(self, case):
        x = case.input()
        axis, num_gates, _ = case.outputs
        gate = self.gate(case.make(), x, 1000.0 * np.ones(num_gates), axis=axis)
        for training in (False, True):
            expected = twin(gate.layer, x.shape)(x, training=training)
            self.assertAllEqual(gate(x, training=training), expected)


class ClosedTest(LayerTestCase):
    """What a layer computes when every gate is closed."""

    def closed(self, name, on):
        case = layer_cases.BY_NAME[name]
        x = case.input()
        gate = self.gate(case.make(), x, on=on)
        logits = gate.gate_vector.logits
        logits.assign(-1000.0 * np.ones(logits.shape))
        bias = gate.layer.bias.numpy()
        self.assertNotAllClose(bias, 0 * bias)
        for training in (False, True):
            y = gate(x, training=training).numpy()
            yield y, np.broadcast_to(bias, y.shape)

    @parameterized.parameters("dense", "conv1d", "depthwise_conv2d")
    def test_outputs_are_zero(self, name):
        for y, bias in self.closed(name, "outputs"):
            self.assertAllEqual(y, 0 * bias)

    @parameterized.product(
        name=("dense", "conv1d", "depthwise_conv2d", "separable_conv1d"),
        on=("inputs", "weights"),
    )
    def test_inputs_or_weights_leave_the_bias(self, name, on):
        for y, bias in self.closed(name, on):
            self.assertAllEqual(y, bias)


class LookalikeTest(LayerTestCase):
    """Layers that look like `activation(x @ kernel + bias)` and are not."""

    def check_gates_scale(self, make, x):
        """The gates multiply the output, whatever the layer does inside."""
        gate = self.gate(make(), x)
        expected = gate.layer(x) * along(
            gate_oracle.deterministic_gate(spread(3)), -1, x.ndim
        )
        gate.gate_vector.logits.assign(spread(3))
        self.assert_float32_close(gate(x), expected)
        return gate

    def test_subclass_that_standardizes_its_kernel(self):
        class Standardized(keras.layers.Conv2D):
            def convolution_op(self, inputs, kernel):
                kernel = kernel / (1e-3 + keras.ops.std(kernel))
                return super().convolution_op(inputs, kernel)

        self.check_gates_scale(
            lambda: Standardized(3, 2), layer_cases.BY_NAME["conv2d"].input()
        )

    def test_subclass_that_overrides_call(self):
        class Shifted(keras.layers.Dense):
            def call(self, inputs, training=None):
                return super().call(inputs) + 1.0

        x = layer_cases.BY_NAME["dense"].input()
        self.check_gates_scale(lambda: Shifted(3), x)

    def test_lora_kernel(self):
        x = layer_cases.BY_NAME["dense"].input()

        def make():
            layer = keras.layers.Dense(3)
            layer.build(x.shape)
            layer.enable_lora(2)
            layer.lora_kernel_b.assign(np.ones((2, 3)))
            return layer

        gate = self.check_gates_scale(make, x)
        self.assertTrue(gate.layer.lora_enabled)

    def test_kernel_that_changes_after_build(self):
        x = layer_cases.BY_NAME["dense"].input()
        for change in (
            lambda layer: layer.enable_lora(2),
            lambda layer: layer.quantize("int8"),
        ):
            gate = self.gate(keras.layers.Dense(3), x, spread(3))
            change(gate.layer)
            z = gate_oracle.deterministic_gate(spread(3))
            self.assert_float32_close(gate(x), gate.layer(x) * z)

    def test_regularizer_sees_the_output_before_the_gates(self):
        x = layer_cases.BY_NAME["dense"].input()
        for noise_shape in (None, (None, 3)):
            layer = keras.layers.Dense(3, activity_regularizer="l2")
            gate = self.gate(layer, x, spread(3), noise_shape=noise_shape)
            gate(x, training=True)
            # Keras divides by the batch size; l2 is 0.01 by default.
            expected = 0.01 * np.sum(np.array(layer(x)) ** 2) / len(x)
            self.assert_float32_close(gate.losses, [expected])


if __name__ == "__main__":
    absltest.main()
