"""Tests of what joins the inputs of a call to its outputs."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

from keras_l0.budget.reach import MANY
from keras_l0.budget.reach import Probe
from keras_l0.graph import read_graph
from keras_l0.surgery.alignment import align
from tests import test_util


def probe(layer, *shapes):
    """A probe of the one call of `layer`, or of a list of them."""
    inputs = [keras.Input(shape) for shape in shapes]
    outputs = layer(inputs if len(inputs) > 1 else inputs[0])
    aligned = align(read_graph(keras.Model(inputs, outputs)))
    places = [
        place
        for place, call in enumerate(aligned.calls)
        if call.layer.__class__ is type(layer)
    ]
    call = aligned.calls[places[0]]
    axes = [aligned.axes[tensor] for tensor in call.node.inputs]
    sizes = [
        shape[axis] for shape, axis in zip(call.input_shapes, axes, strict=True)
    ]
    return Probe(call, aligned.rules[places[0]], axes, sizes)


class ReachTest(test_util.TestCase):
    def assert_reach(self, reach, source, reader, decides):
        self.assertAllEqual(reach.source, source)
        self.assertAllEqual(reach.reader, reader)
        self.assertEqual(reach.decides, decides)

    @parameterized.parameters(
        (lambda: layers.Dense(3), (5,), 5, 3),
        (lambda: layers.Conv2D(3, 2), (4, 4, 5), 5, 3),
        (lambda: layers.Dense(1), (5,), 5, 1),
        (lambda: layers.LSTM(3), (4, 5), 5, 3),
    )
    def test_mixing_layers_need_all(self, make, shape, inputs, outputs):
        reach = probe(make(), shape).reach(0, 0)
        self.assertAllEqual(reach.source, [MANY] * outputs)
        self.assertAllEqual(reach.reader, [MANY] * inputs)

    @parameterized.parameters(
        (lambda: layers.ReLU(), (6,)),
        (lambda: layers.BatchNormalization(), (6,)),
        (lambda: layers.MaxPool2D(), (4, 4, 6)),
        (lambda: layers.DepthwiseConv2D(3), (4, 4, 6)),
    )
    def test_channels_pass_one_by_one(self, make, shape):
        reach = probe(make(), shape).reach(0, 0)
        self.assertAllEqual(reach.source, np.arange(6))
        self.assertAllEqual(reach.reader, np.arange(6))

    def test_depth_multiplier_has_two_readers(self):
        layer = layers.DepthwiseConv2D(3, depth_multiplier=2)
        reach = probe(layer, (4, 4, 3)).reach(0, 0)
        self.assertAllEqual(reach.source, [0, 0, 1, 1, 2, 2])
        self.assertAllEqual(reach.reader, [MANY] * 3)

    def test_flatten_repeats_the_channels(self):
        reach = probe(layers.Flatten(), (2, 3)).reach(0, 0)
        self.assertAllEqual(reach.source, [0, 1, 2, 0, 1, 2])
        self.assertAllEqual(reach.reader, [MANY] * 3)

    def test_concatenation(self):
        found = probe(layers.Concatenate(), (2,), (3,))
        # Each input decides its own part, and says nothing of the other's.
        self.assert_reach(
            found.reach(0, 0), [0, 1, MANY, MANY, MANY], [0, 1], True
        )
        self.assert_reach(
            found.reach(1, 0), [MANY, MANY, 0, 1, 2], [2, 3, 4], True
        )
        self.assertEqual(found.sizes, [5])

    def test_sum_varies_with_either(self):
        found = probe(layers.Add(), (3,), (3,))
        for place in range(2):
            self.assert_reach(
                found.reach(place, 0), np.arange(3), np.arange(3), False
            )

    def test_product_is_constant_with_either(self):
        found = probe(layers.Multiply(), (3,), (3,))
        for place in range(2):
            self.assert_reach(
                found.reach(place, 0), np.arange(3), np.arange(3), True
            )

    def test_softmax_is_not_divisible(self):
        soft = layers.Dense(3, activation="softmax")
        self.assertEqual(probe(soft, (4,)).divisible, [False])
        self.assertEqual(probe(layers.Dense(3), (4,)).divisible, [True])

    def test_weights_that_are_zero_do_not_matter(self):
        layer = layers.Dense(3, kernel_initializer="zeros")
        reach = probe(layer, (4,)).reach(0, 0)
        self.assertAllEqual(reach.reader, [MANY] * 4)


if __name__ == "__main__":
    absltest.main()
