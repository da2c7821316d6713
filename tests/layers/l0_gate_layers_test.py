"""Tests of `L0Gate` around every kind of layer against explicit products."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from tests.layers import gate_oracle
from tests.layers import layer_cases
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import along
from tests.layers.layer_test_case import layer_call
from tests.layers.layer_test_case import saturated
from tests.layers.layer_test_case import spread
from tests.layers.layer_test_case import twin

WITH_INPUTS = [row for row in layer_cases.NAMED if row[1].inputs]
WITH_WEIGHTS = [row for row in layer_cases.NAMED if row[1].weights]


def scaled_twin(layer, input_shape, gates):
    """The ungated layer whose weights are multiplied by `gates`, in order."""
    other = twin(layer, input_shape)
    start = 0
    for weight in other.trainable_weights:
        if weight.name not in ("bias", "beta"):
            stop = start + np.prod(weight.shape, dtype=int)
            z = np.reshape(gates[start:stop], weight.shape)
            weight.assign(weight.numpy() * z)
            start = stop
    return other


class L0GateLayersTest(LayerTestCase):
    def check(self, case, explicit, num_gates, **kwargs):
        """Compares `L0Gate` with `explicit(layer, gates, x, training)`."""
        x = case.input()
        gate = self.gate(case.make(), x, **kwargs)
        self.assertEqual(gate.gate_vector.num_gates, num_gates)

        logits = spread(num_gates)
        gate.gate_vector.logits.assign(logits)
        z = gate_oracle.deterministic_gate(logits)
        expected = explicit(gate.layer, z, x, False)
        self.assertEqual(gate.compute_output_shape(x.shape), expected.shape)
        self.assert_float32_close(gate(x), expected)

        logits, z = saturated(num_gates)
        gate.gate_vector.logits.assign(logits)
        expected = explicit(gate.layer, z, x, True)
        self.assert_float32_close(gate(x, training=True), expected)

    @parameterized.named_parameters(*layer_cases.NAMED)
    def test_outputs_are_multiplied(self, case):
        axis, num_gates, _ = case.outputs

        def explicit(layer, z, x, training):
            y = layer_call(twin(layer, x.shape), x, training)
            return y * along(z, axis, y.ndim)

        self.check(case, explicit, num_gates, on="outputs", axis=axis)

    @parameterized.named_parameters(*WITH_INPUTS)
    def test_inputs_are_multiplied(self, case):
        axis, num_gates, _ = case.inputs

        def explicit(layer, z, x, training):
            x = (x * along(z, axis, x.ndim)).astype("float32")
            return layer_call(twin(layer, x.shape), x, training)

        self.check(case, explicit, num_gates, on="inputs", axis=axis)

    @parameterized.named_parameters(*WITH_WEIGHTS)
    def test_weights_are_multiplied(self, case):
        def explicit(layer, z, x, training):
            return layer_call(scaled_twin(layer, x.shape, z), x, training)

        self.check(case, explicit, case.weights, on="weights")

    @parameterized.named_parameters(*layer_cases.NAMED)
    def test_open_gates_change_nothing(self, case):
        x = case.input()
        axis, num_gates, _ = case.outputs
        gate = self.gate(case.make(), x, 1000.0 * np.ones(num_gates), axis=axis)
        for training in (False, True):
            expected = layer_call(twin(gate.layer, x.shape), x, training)
            self.assertAllEqual(gate(x, training=training), expected)


class ClosedTest(LayerTestCase):
    """What a layer computes when every gate is closed."""

    def closed(self, name, on):
        case = dict(layer_cases.NAMED)[name]
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


if __name__ == "__main__":
    absltest.main()
