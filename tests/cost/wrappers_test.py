"""Tests of the cost rules of layers that run another layer."""

import keras
from absl.testing import absltest

from keras_l0 import cost
from keras_l0.cost import registry
from tests import test_util


def count(shape, layer):
    return cost.count(keras.Sequential([keras.Input(shape), layer]))


class WrappersTest(test_util.TestCase):
    def test_time_distributed_counts_every_step(self):
        layer = keras.layers.TimeDistributed(keras.layers.Conv2D(4, 3))
        counted = count((6, 5, 5, 2), layer)
        self.assertEqual(counted, cost.Cost(76, 6 * (3 * 3 * 9 * 2 * 4), 304))

    def test_time_distributed_counts_the_rest_of_the_shape_once(self):
        layer = keras.layers.TimeDistributed(keras.layers.Dense(4))
        self.assertEqual(count((6, 3), layer).macs, 6 * 12)

    def test_time_distributed_without_kernel_counts_nothing(self):
        layer = keras.layers.TimeDistributed(keras.layers.Flatten())
        self.assertEqual(count((6, 5, 2), layer), cost.Cost(0, 0, 0))

    def test_time_distributed_without_rule_is_uncounted(self):
        inner = keras.layers.RNN(keras.layers.LSTMCell(2))
        layer = keras.layers.TimeDistributed(inner, name="steps")
        self.assertEqual(count((6, 5, 2), layer).uncounted, ("steps",))

    def test_spectral_normalization_counts_the_layer(self):
        layer = keras.layers.SpectralNormalization(keras.layers.Dense(3))
        self.assertEqual(count((5,), layer).macs, 15)

    def test_bidirectional_counts_both_ways(self):
        for merge in ("concat", "sum"):
            layer = keras.layers.Bidirectional(keras.layers.GRU(4), merge)
            self.assertEqual(count((5, 3), layer).macs, 2 * 5 * 3 * 7 * 4)

    def test_bidirectional_without_rule_is_uncounted(self):
        inner = keras.layers.RNN(keras.layers.LSTMCell(2))
        layer = keras.layers.Bidirectional(inner, name="both")
        self.assertEqual(count((5, 3), layer).uncounted, ("both",))
        layer = keras.layers.Bidirectional(keras.layers.GRU(2), name="both")
        self.assertEqual(count((None, 3), layer).uncounted, ("both",))

    def test_macs_keep_the_axes_of_the_layer_inside(self):
        shapes = (None, 6, 5), (None, 6, 4)
        steps = keras.layers.TimeDistributed(keras.layers.Dense(4))
        self.assertEqual(registry.layer_macs(steps, *shapes), {"io": 120})
        both = keras.layers.Bidirectional(keras.layers.SimpleRNN(2))
        both.build(shapes[0])
        # Two ways of six steps: 5 x 2 inputs and 2 x 2 states.
        self.assertEqual(
            registry.layer_macs(both, *shapes), {"io": 120, "oo": 48}
        )
        normal = keras.layers.SpectralNormalization(keras.layers.Dense(4))
        self.assertEqual(registry.layer_macs(normal, *shapes), {"io": 120})

    def test_weights_are_those_of_the_layer_inside(self):
        dense = {"kernel": "io", "bias": "o"}
        for wrapper in (
            keras.layers.TimeDistributed(keras.layers.Dense(4)),
            keras.layers.SpectralNormalization(keras.layers.Dense(4)),
        ):
            self.assertEqual(registry.weight_axes(wrapper), dense)

    def test_weights_of_both_ways_are_told_apart(self):
        layer = keras.layers.Bidirectional(keras.layers.LSTM(2))
        layer.build((None, 3, 5))
        self.assertEqual(
            registry.weight_axes(layer),
            {
                "kernel:0": "io",
                "recurrent_kernel:1": "oo",
                "bias:2": "o",
                "kernel:3": "io",
                "recurrent_kernel:4": "oo",
                "bias:5": "o",
            },
        )


if __name__ == "__main__":
    absltest.main()
