"""Tests of what gates of outputs and inputs refuse at build.

What they compute is tested in l0_gate_layers_test.py.
"""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.layers.layer_test_case import LayerTestCase
from tests.layers.layer_test_case import saturated

X = np.ones((2, 4), "float32")


class TensorTargetTest(LayerTestCase):
    @parameterized.parameters(
        ("outputs", 0, "output", (2, 3)),
        ("outputs", -2, "output", (2, 3)),
        ("outputs", 2, "output", (2, 3)),
        ("outputs", -3, "output", (2, 3)),
        ("inputs", 0, "input", (2, 4)),
        ("inputs", 2, "input", (2, 4)),
    )
    def test_axis_that_does_not_exist(self, on, axis, where, shape):
        gate = keras_l0.L0Gate(layers.Dense(3, name="d"), on=on, axis=axis)
        with self.assertRaisesRegex(
            ValueError,
            rf"`axis` must name an axis of the {where} of 'd' other than the "
            rf"batch axis. Received: axis={axis}, shape=\({shape[0]}, "
            rf"{shape[1]}\)",
        ):
            gate.build(X.shape)

    def test_axis_of_unknown_size(self):
        gate = keras_l0.L0Gate(layers.Dense(3, name="d"), axis=1)
        with self.assertRaisesRegex(
            ValueError,
            "The gated axis of the output of 'd' must have a known size. "
            r"Received: axis=1, shape=\(None, None, 3\)",
        ):
            gate(keras.Input((None, 4)))

    def test_other_axes_may_be_of_unknown_size(self):
        gate = keras_l0.L0Gate(layers.Conv2D(3, 2))
        x = keras.Input((None, None, 4))
        model = keras.Model(x, gate(x))
        gate.gate_vector.logits.assign([9.0, -9.0, 9.0])
        y = model(np.ones((2, 3, 5, 4)))
        self.assertEqual(y.shape, (2, 2, 4, 3))
        self.assertAllEqual(np.any(y, axis=(0, 1, 2)), [True, False, True])

    def test_axis_that_is_no_integer(self):
        with self.assertRaisesRegex(
            TypeError, "`axis` must be an integer. Received: axis=1.0"
        ):
            keras_l0.L0Gate(layers.Dense(3), axis=1.0)

    def test_several_outputs(self):
        both = layers.Bidirectional(layers.LSTM(3, return_state=True), name="r")
        gate = keras_l0.L0Gate(both)
        with self.assertRaisesRegex(
            ValueError,
            "`on='outputs'` gates one tensor, but the output of 'r' has "
            r"several. Received: shape=.*\(2, 3\)",
        ):
            gate.build((2, 5, 4))

    def test_several_inputs(self):
        gate = keras_l0.L0Gate(layers.Add(name="sum"), on="inputs")
        with self.assertRaisesRegex(
            ValueError,
            "`on='inputs'` gates one tensor, but the input of 'sum' has "
            "several. Received: shape=",
        ):
            gate.build([(2, 4), (2, 4)])

    def test_output_of_several_inputs(self):
        gate = keras_l0.L0Gate(layers.Add())
        gate([X, X])
        gate.gate_vector.logits.assign(saturated(4)[0])
        y = gate([X, X], training=True)
        self.assertAllEqual(y, [[0, 2, 0, 2]] * 2)

    def test_integers_are_refused(self):
        # A gate of 0.5 times an identifier would be another identifier.
        gate = keras_l0.L0Gate(
            layers.Embedding(7, 3, name="words"), on="inputs"
        )
        with self.assertRaisesRegex(
            TypeError,
            "`on='inputs'` scales a tensor of floating-point numbers. "
            r"Received: layer='words' \(Embedding\), dtype=int32",
        ):
            gate(np.ones((2, 5), "int32"))

    def test_l2_needs_weights(self):
        cell = layers.RNN(layers.LSTMCell(3), name="r")
        for layer in (layers.ReLU(name="r"), cell):
            gate = keras_l0.L0Gate(layer, l2=0.1)
            with self.assertRaisesRegex(
                ValueError,
                "`l2` needs gates along an axis that the layer's weights "
                rf"have. Received: layer='r' \({type(layer).__name__}\), "
                "on='outputs', axis=-1",
            ):
                gate.build((2, 5, 4))

    def test_l2_needs_the_axis_of_the_weights(self):
        # Six units along time, six columns in the kernel: a mere coincidence.
        gate = keras_l0.L0Gate(layers.Dense(6), l2=0.1, axis=1)
        with self.assertRaisesRegex(ValueError, "`l2` needs .* axis=1"):
            gate.build((2, 6, 4))


if __name__ == "__main__":
    absltest.main()
