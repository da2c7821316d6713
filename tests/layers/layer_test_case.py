"""What the tests of gated layers share."""

import keras
import numpy as np
import tensorflow as tf

import keras_l0
from tests import test_util


class LayerTestCase(test_util.TestCase):
    """Base class: makes gates of known values and compares float32 sums."""

    def assert_float32_close(self, actual, expected, ulps=64):
        """Fails if a difference exceeds `ulps` roundings of the largest value.

        A sum of n float32 products, in whatever order, is wrong by n roundings
        of the sum of their magnitudes at most; no test here sums more than 48.
        """
        expected = np.asarray(expected, "float64")
        atol = ulps * 2**-24 * np.abs(expected).max(initial=1e-30)
        self.assertAllClose(
            np.asarray(actual, "float64"), expected, rtol=0, atol=atol
        )

    def gate(self, layer, x, logits=None, **kwargs):
        """An `L0Gate`, built on `x`, whose logits nothing clamps."""
        if "gate_vector" not in kwargs:
            kwargs.setdefault("gate", keras_l0.gates.HardConcrete(clamp=None))
        gate = keras_l0.L0Gate(layer, **kwargs)
        gate.build(np.shape(x))
        if logits is not None:
            gate.gate_vector.logits.assign(logits)
        return gate

    def seed_state(self, gate):
        """State of the generator of a wrapper's or a vector's draws."""
        vector = getattr(gate, "gate_vector", gate)
        return vector.seed_generator.state.numpy()


def spread(num_gates):
    """Logits whose deterministic gates are 0, 1 and much in between."""
    return np.linspace(-3, 3, num_gates).astype("float32")


def saturated(num_gates):
    """Logits that draw 0, 1, 0, ... with certainty, and those gates."""
    gates = np.arange(num_gates) % 2
    return np.where(gates, 1000.0, -1000.0).astype("float32"), gates


def along(gates, axis, rank):
    """Gates in the shape in which they multiply a tensor of that rank."""
    shape = [1] * rank
    shape[axis] = len(gates)
    return np.reshape(gates, shape)


def twin(layer, input_shape):
    """An ungated layer with the weights of `layer`."""
    other = type(layer).from_config(layer.get_config())
    other.build(input_shape)
    other.set_weights(layer.get_weights())
    return other


def layer_call(layer, x, training=False):
    return keras.ops.convert_to_numpy(layer(x, training=training))


def loss_and_gradients(function, variables):
    """Value of `function()` and its gradients, None where there is none."""
    with tf.GradientTape() as tape:
        value = function()
    gradients = tape.gradient(value, [v.value for v in variables])
    return np.array(value), [g if g is None else np.array(g) for g in gradients]
