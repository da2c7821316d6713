"""Layers and tensors that are used several times."""

import keras
from absl.testing import absltest
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class SharingTest(PatternTestCase):
    def kernel(self, small, name):
        return tuple(small.get_layer(name).kernel.shape)

    def test_layer_called_twice(self):
        x = keras.Input((4, 4, 3))
        shared = layers.Conv2D(6, 2, activation="gelu", name="shared")
        gated = self.gate(shared, GATES)
        y = layers.Concatenate()([gated(x), gated(ops.flip(x, axis=2))])
        small = self.check(x, layers.Conv2D(2, 2, name="end")(y))
        self.assertEqual(self.kernel(small, "end"), (2, 2, 8, 2))
        self.assertLen([la for la in small.layers if "conv" in la.name], 0)
        self.assertEqual(small.count_params(), 4 * 3 * 4 + 4 + 4 * 8 * 2 + 2)

    def test_readers_of_two_gated_layers(self):
        x = keras.Input((4, 4, 3))
        shared = layers.Conv2D(2, 2, name="shared")
        ends = []
        for name, gates in (("left", GATES), ("right", OTHERS)):
            conv = layers.Conv2D(6, 2, activation="relu", name=name)
            ends.append(shared(self.gate(conv, gates)(x)))
        # Every unit is open somewhere: the shared layer reads them all.
        small = self.check(x, ends, left=4, right=3)
        self.assertEqual(self.kernel(small, "shared"), (2, 2, 6, 2))

    def test_sequence_that_is_run_twice(self):
        x = keras.Input((4, 4, 6))
        steps = [
            layers.Conv2D(6, 3, padding="same", name="a"),
            layers.BatchNormalization(name="b"),
            self.gate(layers.ReLU(), GATES),
            layers.Conv2D(6, 3, padding="same", name="c"),
        ]
        y = x
        for _ in range(2):
            for step in steps:
                y = step(y)
        small = self.check(x, layers.Dense(2)(y))
        self.assertEqual(self.kernel(small, "a"), (3, 3, 6, 4))
        self.assertEqual(self.kernel(small, "c"), (3, 3, 4, 6))
        self.assertEqual(small.get_layer("b").gamma.shape, (4,))

    def test_layer_of_another_model(self):
        # A layer stands in two models; only one of them is stripped.
        x = keras.Input((4,))
        encoder = layers.Dense(6, activation="tanh", name="encoder")
        keras.Model(x, layers.Dense(2)(encoder(x)))
        y = self.gate(layers.Identity(), GATES)(encoder(x))
        self.check(x, layers.Dense(2)(y), encoder=4)
        self.assertEqual(encoder.units, 6)

    def test_layer_read_by_several_outputs(self):
        x = keras.Input((4,))
        trunk = self.gate(layers.Dense(6, "elu", name="trunk"), GATES)(x)
        ends = [layers.Dense(n, name=f"head{n}")(trunk) for n in (1, 2, 3)]
        ends.append(layers.Dense(2)(layers.LayerNormalization()(trunk)))
        small = self.check(x, ends, [Barrier.COUPLED_CHANNELS], trunk=4)
        self.assertEqual(self.kernel(small, "head3"), (4, 3))

    def test_shared_network_of_two_inputs(self):
        # As twins that are compared.
        z = keras.Input((4,))
        y = self.gate(layers.Dense(6, "relu", name="hidden"), GATES)(z)
        y = self.gate(layers.Dense(6, "tanh", name="code"), OTHERS)(y)
        twin = keras.Model(z, y, name="twin")
        pair = [keras.Input((4,)), keras.Input((4,))]
        left, right = (twin(x) for x in pair)
        difference = ops.absolute(left - right)
        small = self.check(pair, layers.Dense(1, name="end")(difference))
        self.assertEqual(self.kernel(small, "end"), (3, 1))


if __name__ == "__main__":
    absltest.main()
