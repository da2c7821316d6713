"""Tests of the cost rule of recurrent layers."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import cost
from tests import test_util


class RecurrentTest(test_util.TestCase):
    @parameterized.parameters(
        # Five steps; three inputs and four states meet each gate's units.
        (keras.layers.SimpleRNN, 5 * 1 * (3 + 4) * 4),
        (keras.layers.GRU, 5 * 3 * (3 + 4) * 4),
        (keras.layers.LSTM, 5 * 4 * (3 + 4) * 4),
    )
    def test_every_step_meets_both_kernels(self, layer_class, expected):
        for options in ({}, {"return_sequences": True, "use_bias": False}):
            model = keras.Sequential(
                [keras.Input((5, 3)), layer_class(4, **options)]
            )
            self.assertEqual(cost.count(model).macs, expected)

    def test_open_number_of_steps_is_uncounted(self):
        layer = keras.layers.GRU(4, name="gru")
        model = keras.Sequential([keras.Input((None, 3)), layer])
        self.assertEqual(cost.count(model).uncounted, ("gru",))


if __name__ == "__main__":
    absltest.main()
