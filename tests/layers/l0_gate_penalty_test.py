"""Tests of what L0Gate adds to the loss, against closed forms."""

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.layers import gate_oracle
from tests.layers import layer_cases
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import spread

X = np.ones((2, 4), "float32")


def penalty(call, layer):
    """Sum of a layer's losses after a call."""
    call()
    return tf.add_n(layer.losses)


def expected_l0(logits, l0=0.1, size=1):
    return l0 * size * np.sum(gate_oracle.prob_nonzero(logits))


class FormulaTest(LayerTestCase):
    @parameterized.named_parameters(*layer_cases.NAMED)
    def test_l0_of_every_layer(self, case):
        x = case.input()
        for on, (axis, num_gates, size) in (
            ("outputs", case.outputs),
            ("inputs", case.inputs or (0, 0, 0)),
            ("weights", (-1, case.weights, 1)),
        ):
            if num_gates:
                logits = spread(num_gates)
                gate = self.gate(
                    case.make(), x, logits, l0=0.1, on=on, axis=axis
                )
                for training in (False, True):
                    gate(x, training=training)
                    (loss,) = gate.losses
                    self.assert_float32_close(
                        loss, expected_l0(logits, size=size)
                    )

    def published_dense(self, **kwargs):
        """Dense layer 3 -> 2 whose inputs are gated, of the reference."""
        gate = self.gate(
            layers.Dense(2), np.ones((1, 3)), [-1, 0, 2], on="inputs", **kwargs
        )
        gate.layer.kernel.assign([[1, -2], [0.5, 0.5], [3, 0]])
        gate.layer.bias.assign([0.1, -0.2])
        with tf.GradientTape() as tape:
            value = penalty(lambda: gate(np.ones((1, 3))), gate)
        variables = [gate.gate_vector.logits, gate.layer.kernel]
        variables = [v.value for v in variables]
        return value, tape.gradient(
            value, variables, unconnected_gradients="zero"
        )

    def test_l0_of_reference_values(self):
        value, (by_logits, by_kernel) = self.published_dense(l0=0.1 / 60000)
        # Printed with seven digits or more; float32 has seven.
        self.assertAllClose(value, 8.168413536554e-6, rtol=1e-6, atol=0)
        self.assertAllClose(
            by_logits,
            [7.629256e-7, 4.663135e-7, 8.641337e-8],
            rtol=1e-6,
            atol=0,
        )
        self.assertAllEqual(by_kernel, np.zeros((3, 2)))

    def test_l2_of_reference_values(self):
        value, (by_logits, by_kernel) = self.published_dense(l2=5e-4)
        # The reference counts the biases, too: 5e-4 / 2 * (0.1^2 + 0.2^2).
        self.assertAllClose(value, 3.113221774e-3 - 1.25e-5, rtol=1e-6, atol=0)
        self.assertAllClose(
            by_logits,
            [2.860971e-4, 1.748675e-5, 5.832902e-5],
            rtol=1e-6,
            atol=0,
        )
        self.assertAllClose(
            by_kernel,
            [
                [3.226676e-4, -6.453352e-4],
                [2.079555e-4, 2.079555e-4],
                [1.460050e-3, 0],
            ],
            rtol=1e-6,
            atol=0,
        )

    def test_detached_l2_trains_the_weights_only(self):
        kept = self.published_dense(l2=5e-4)
        value, (by_logits, by_kernel) = self.published_dense(
            l2=5e-4, l2_detached=True
        )
        self.assertAllEqual(value, kept[0])
        self.assertAllEqual(by_kernel, kept[1][1])
        self.assertAllEqual(by_logits, np.zeros(3))

    def test_detached_l2_leaves_l0_its_gradient(self):
        _, (by_logits, _) = self.published_dense(
            l0=0.1 / 60000, l2=5e-4, l2_detached=True
        )
        self.assertAllClose(
            by_logits,
            [7.629256e-7, 4.663135e-7, 8.641337e-8],
            rtol=1e-6,
            atol=0,
        )

    @parameterized.parameters((True, 31.174512771), (False, 29.533748941))
    def test_convolution_of_reference_values(self, use_bias, expected):
        # A 3x3 kernel between two maps and two: 19 or 18 weights per map.
        x = np.ones((1, 4, 4, 2))
        layer = layers.Conv2D(2, 3, use_bias=use_bias)
        gate = self.gate(layer, x, [0.5, -0.5], l0=1)
        value = penalty(lambda: gate(x), gate)
        self.assertAllClose(value, expected, rtol=1e-6, atol=0)

    def test_l2_of_outputs_counts_biases(self):
        gate = self.gate(layers.Dense(2), X, [-1, 2], l2=0.5)
        gate.layer.bias.assign([3, -4])
        norms = np.sum(gate.layer.kernel.numpy() ** 2, axis=0) + [9, 16]
        expected = 0.25 * gate_oracle.prob_nonzero([-1, 2]) @ norms
        value = penalty(lambda: gate(X), gate)
        self.assert_float32_close(value, expected)

    def test_l2_of_weights_is_that_of_each(self):
        gate = self.gate(layers.Dense(3), X, spread(12), on="weights", l2=0.5)
        squares = gate.layer.kernel.numpy().ravel() ** 2
        expected = 0.25 * gate_oracle.prob_nonzero(spread(12)) @ squares
        value = penalty(lambda: gate(X), gate)
        self.assert_float32_close(value, expected)

    def test_doubled_weights_pay_four_times_the_l2(self):
        gate = self.gate(layers.Dense(3), X, spread(3), l2=0.5)
        before = penalty(lambda: gate(X), gate)
        for weight in gate.layer.weights:
            weight.assign(2 * weight)
        self.assert_float32_close(penalty(lambda: gate(X), gate), 4 * before)

    def test_l0_does_not_depend_on_the_weights(self):
        gate = self.gate(layers.Dense(3), X, spread(3), l0=0.5)
        before = penalty(lambda: gate(X), gate)
        gate.layer.kernel.assign(2 * gate.layer.kernel)
        self.assertAllEqual(penalty(lambda: gate(X), gate), before)

    def test_no_factor_no_penalty(self):
        gate = self.gate(layers.Dense(3), X)
        gate(X, training=True)
        self.assertEmpty(gate.losses)

    def test_penalty_draws_nothing(self):
        gate = self.gate(layers.Dense(3), X, l0=0.1, l2=0.1)
        before = self.seed_state(gate)
        values = [penalty(lambda: gate(X), gate) for _ in range(2)]
        self.assertAllEqual(values[0], values[1])
        self.assertAllEqual(self.seed_state(gate), before)

    def test_l2_of_half_precision_weights_is_exact(self):
        # The gradient, l2 * P * w of about 1e-9, would vanish in float16.
        for on in ("outputs", "inputs", "weights"):
            layer = layers.Dense(3, dtype="mixed_float16")
            gate = self.gate(layer, X, on=on, l2=1e-8)
            logits = spread(gate.gate_vector.num_gates)
            gate.gate_vector.logits.assign(logits)
            kernel = gate.layer.kernel.numpy()
            self.assertEqual(kernel.dtype, np.float32)
            with tf.GradientTape() as tape:
                value = penalty(lambda g=gate: g(X), gate)
            self.assertEqual(value.dtype, tf.float32)
            gradient = tape.gradient(value, gate.layer.kernel.value)
            p = gate_oracle.prob_nonzero(logits)
            p = {"outputs": p, "inputs": p[:, None]}.get(on)
            if p is None:
                p = gate_oracle.prob_nonzero(logits).reshape(4, 3)
            self.assert_float32_close(gradient, 1e-8 * p * kernel)

    def test_penalty_at_extreme_logits(self):
        gate = self.gate(
            layers.Dense(4), X, [-1000, -60, 60, 1000], l0=0.5, l2=0.5
        )
        with tf.GradientTape() as tape:
            value = penalty(lambda: gate(X, training=True), gate)
        gradient = tape.gradient(value, gate.gate_vector.logits.value)
        norms = np.sum(gate.layer.kernel.numpy() ** 2, axis=0)
        self.assert_float32_close(
            value, 0.5 * 5 * 2 + 0.25 * (norms[2] + norms[3])
        )
        # p (1 - p) at 60 is 2e-27, which float32 knows, but 1 - p is 0.
        self.assertAllClose(gradient, np.zeros(4), atol=1e-20)


class CountTest(LayerTestCase):
    """Each pass pays once, however its parts are shared."""

    def setUp(self):
        super().setUp()
        self.vector = keras_l0.GateVector()

    def gated(self, layer, **kwargs):
        return keras_l0.L0Gate(layer, l0=0.1, gate_vector=self.vector, **kwargs)

    def check(self, model, x, *sizes):
        for training in (False, True):
            for _ in range(2):
                model(x, training=training)
                logits = self.vector.logits.numpy()
                self.assert_float32_close(
                    sorted(model.losses),
                    sorted(expected_l0(logits, size=s) for s in sizes),
                )

    def test_wrapper_called_twice(self):
        x = keras.Input((4,))
        shared = self.gated(layers.Dense(4))
        self.check(keras.Model(x, shared(shared(x))), X, 5)

    def test_vector_shared_by_wrappers(self):
        # Each wrapper pays for its own weights.
        x = keras.Input((4,))
        left = self.gated(layers.Dense(3))
        right = self.gated(layers.Dense(3, use_bias=False))
        self.check(keras.Model(x, left(x) + right(x)), X, 5, 4)

    def test_nested_models(self):
        x = keras.Input((4,))
        inner = keras.Sequential([self.gated(layers.Dense(4))])
        outer = keras.Sequential([inner, inner, self.gated(layers.ReLU())])
        self.check(keras.Model(x, outer(x)), X, 5, 1)

    @parameterized.parameters(True, False)
    def test_time_distributed(self, gate_inside):
        if gate_inside:
            model = layers.TimeDistributed(self.gated(layers.Dense(3)))
        else:
            model = self.gated(layers.TimeDistributed(layers.Dense(3)))
        x = np.ones((2, 6, 4), "float32")
        self.check(model, x, 5)

    def test_nested_wrappers(self):
        # The outer gates own the weights of the layer inside.
        model = self.gated(
            keras_l0.L0Gate(layers.Dense(3), on="inputs", l0=0.0)
        )
        self.check(model, X, 0, 5)

    def test_nested_gates_of_weights(self):
        inner = self.gated(layers.Dense(3))
        model = keras_l0.L0Gate(inner, on="weights", l0=0.0)
        self.check(model, X, 0, 5)

    def test_frozen_gates_pay_nothing(self):
        gate = self.gated(layers.Dense(3), l2=0.1)
        gate(X)
        self.assertLen(gate.losses, 1)
        for frozen in (self.vector, gate):
            frozen.trainable = False
            for training in (False, True):
                gate(X, training=training)
                self.assertEmpty(gate.losses)
            frozen.trainable = True
            gate(X)
            self.assertLen(gate.losses, 1)

    def test_frozen_layer_still_pays(self):
        gate = self.gated(layers.Dense(3))
        gate(X)
        gate.layer.trainable = False
        self.check(gate, X, 5)


if __name__ == "__main__":
    absltest.main()
