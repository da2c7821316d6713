"""Recurrent layers in the networks that they are used in."""

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase

KINDS = (layers.SimpleRNN, layers.GRU, layers.LSTM)


class RecurrentTest(PatternTestCase):
    @parameterized.parameters(*KINDS)
    def test_sequences_into_a_gru(self, kind):
        x = keras.Input((4, 3))
        y = kind(6, return_sequences=True, name="first")
        y = self.gate(y, GATES)(x)
        y = self.gate(layers.GRU(6, name="second"), OTHERS)(y)
        small = self.check(x, layers.Dense(2)(y), first=4, second=3)
        second = small.get_layer("second")
        self.assertEqual(second.cell.kernel.shape, (4, 9))
        self.assertEqual(second.cell.recurrent_kernel.shape, (3, 9))

    def test_gate_behind_the_layer_leaves_the_state(self):
        # A unit that nobody reads outside may be read at the next step.
        x = keras.Input((4, 3))
        y = layers.LSTM(6, return_sequences=True, name="memory")(x)
        y = self.gate(layers.Identity(), GATES)(y)
        small = self.check(x, layers.Dense(2, name="end")(y), memory=6)
        self.assertEqual(small.get_layer("end").kernel.shape, (4, 2))

    @parameterized.product(
        merge_mode=("concat", "sum", "mul", "ave"), kind=(layers.GRU,)
    )
    def test_bidirectional(self, merge_mode, kind):
        x = keras.Input((4, 3))
        wide = merge_mode == "concat"
        layer = layers.Bidirectional(
            kind(6, return_sequences=True), merge_mode, name="both"
        )
        y = self.gate(layer, GATES * (1 + wide))(x)
        y = layers.Dense(2, name="end")(y)
        self.check(x, y, both=8 if wide else 4)

    def test_lstm_and_layer_normalization_and_dense(self):
        x = keras.Input((4, 3))
        y = layers.LSTM(6, return_sequences=True, name="memory")
        y = layers.LayerNormalization(name="norm")(self.gate(y, GATES)(x))
        y = self.gate(layers.Dense(6, "relu", name="dense"), OTHERS)(y)
        self.check(
            x,
            layers.Dense(2)(y),
            [Barrier.COUPLED_CHANNELS],
            memory=4,
            norm=6,
            dense=3,
        )

    def test_convolutions_then_a_recurrent_layer(self):
        # As in networks that read text lines: columns become steps.
        x = keras.Input((8, 10, 1))
        y = layers.Conv2D(6, 3, activation="relu", name="conv1")
        y = layers.MaxPooling2D()(self.gate(y, GATES)(x))
        y = layers.Conv2D(6, 2, name="conv2")(y)
        y = self.gate(layers.ReLU(), OTHERS)(layers.BatchNormalization()(y))
        y = layers.Permute((2, 1, 3))(y)  # (columns, rows, channels)
        y = layers.Reshape((3, 2 * 6))(y)
        lstm = layers.LSTM(6, return_sequences=True)
        both = layers.Bidirectional(lstm, name="both")
        y = self.gate(both, GATES + OTHERS)(y)
        y = layers.Dense(5, "softmax", name="letters")(y)
        small = self.check(x, y, conv1=4, conv2=3, letters=5)
        kernel = small.get_layer("both").forward_layer.cell.kernel
        self.assertEqual(kernel.shape[0], 2 * 3)

    def test_time_distributed_convolution_then_gru(self):
        x = keras.Input((3, 5, 4, 2))
        conv = layers.Conv2D(6, 2, activation="softplus")
        y = self.gate(layers.TimeDistributed(conv, name="conv"), GATES)(x)
        pool = layers.TimeDistributed(layers.GlobalAveragePooling2D())
        y = self.gate(layers.GRU(6, name="memory"), OTHERS)(pool(y))
        self.check(x, layers.Dense(2)(y), conv=4, memory=3)

    def test_recurrent_convolution_by_hand(self):
        # Two steps of a convolutional GRU; all steps share its three layers.
        x = keras.Input((2, 4, 4, 2))
        update, reset, new = (
            layers.Conv2D(6, 3, padding="same", activation=function, name=name)
            for name, function in (
                ("update", "sigmoid"),
                ("reset", "sigmoid"),
                ("new", "tanh"),
            )
        )
        gate = self.gate(layers.Identity(), GATES)
        state = gate(layers.Conv2D(6, 1, name="start")(x[:, 0]))
        for step in range(2):
            both = layers.Concatenate()([x[:, step], state])
            z, r = update(both), reset(both)
            now = new(layers.Concatenate()([x[:, step], r * state]))
            state = gate((1.0 - z) * state + z * now)
        small = self.check(x, layers.Conv2D(2, 1)(state), start=4)
        for name in ("update", "reset", "new"):
            kernel = small.get_layer(name).kernel
            self.assertEqual(kernel.shape, (3, 3, 2 + 4, 4), name)

    def test_recurrent_convolution_of_keras_is_a_barrier(self):
        x = keras.Input((3, 4, 4, 2))
        conv = layers.Conv3D(6, 1, activation="relu", name="conv")
        y = self.gate(conv, GATES)(x)
        y = layers.ConvLSTM2D(3, 2, name="memory")(y)
        self.check(x, y, [Barrier.NO_RULE], conv=4, memory=3)

    def test_states_of_an_encoder_in_a_decoder(self):
        x, y = keras.Input((4, 3)), keras.Input((5, 3))
        encoder = layers.LSTM(6, return_state=True, name="encoder")
        _, *states = self.gate(encoder, GATES)(x)
        decoder = layers.LSTM(6, return_sequences=True, name="decoder")
        z = decoder(y, initial_state=states)
        self.check(
            [x, y],
            layers.Dense(2)(z),
            [Barrier.EXTRA_INPUTS],
            decoder=6,
        )
        rows = {row.name: row.units_after for row in self.report.layers}
        self.assertEqual(rows["encoder"], 4)

    def test_autoencoder_of_sequences(self):
        x = keras.Input((4, 3))
        back = layers.SimpleRNN(6, go_backwards=True, name="back")
        y = layers.RepeatVector(4)(self.gate(back, GATES)(x))
        decoder = layers.LSTM(6, return_sequences=True, name="decoder")
        y = ops.flip(self.gate(decoder, OTHERS)(y), axis=1)
        y = layers.TimeDistributed(layers.Dense(3))(y)
        self.check(x, y, back=4, decoder=3)


if __name__ == "__main__":
    absltest.main()
