"""Tests of the count of a whole network."""

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from keras_l0 import cost
from tests import test_util


def lenet(wrap=lambda layer: layer):
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            wrap(keras.layers.Conv2D(20, 5, activation="relu")),
            keras.layers.MaxPooling2D(),
            wrap(keras.layers.Conv2D(50, 5, activation="relu")),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            wrap(keras.layers.Dense(500, activation="relu")),
            keras.layers.Dense(10),
        ]
    )


# LeNet-5, Caffe's variant, as the papers on pruning it count.
LENET = cost.Cost(params=431_080, macs=2_293_000, bytes=4 * 431_080)


class CountTest(test_util.TestCase):
    def test_lenet(self):
        self.assertEqual(cost.count(lenet()), LENET)

    def test_gated_counts_as_the_network_it_gates(self):
        for on in ("outputs", "inputs", "weights"):
            model = lenet(lambda layer, on=on: keras_l0.L0Gate(layer, on=on))
            self.assertEqual(cost.count(model), LENET)
            self.assertGreater(model.count_params(), LENET.params)

    def test_params_are_those_of_keras(self):
        model = keras.Sequential(
            [
                keras.Input((8, 8, 2)),
                keras.layers.SeparableConv2D(4, 3),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5),
                keras.layers.Flatten(),
                keras.layers.Dense(3),
            ]
        )
        model.layers[1].trainable = False
        self.assertEqual(cost.count(model).params, model.count_params())

    def test_shared_layer_multiplies_twice_and_weighs_once(self):
        shared = keras.layers.Dense(4)
        inputs = keras.Input((4,))
        model = keras.Model(inputs, shared(shared(inputs)))
        self.assertEqual(cost.count(model), cost.Cost(20, 32, 80))

    def test_nested_model_is_opened(self):
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        inputs = keras.Input((5,))
        outputs = keras.layers.Dense(2)(inner(keras.layers.Dense(4)(inputs)))
        counted = cost.count(keras.Model(inputs, outputs))
        self.assertEqual(counted, cost.Cost(47, 20 + 12 + 6, 188))

    def test_frozen_layer_without_rule_is_named(self):
        layer = keras.layers.ConvLSTM1D(4, 2, name="memory")
        layer.trainable = False
        model = keras.Sequential(
            [keras.Input((5, 4, 3)), layer, keras.layers.Dense(2)]
        )
        n = model.count_params()
        self.assertEqual(
            cost.count(model), cost.Cost(n, 24, 4 * n, ("memory",))
        )

    def test_open_size_is_named(self):
        model = keras.Sequential(
            [
                keras.Input((None, None, 3)),
                keras.layers.Conv2D(4, 3, name="open"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(2),
            ]
        )
        self.assertEqual(cost.count(model), cost.Cost(122, 8, 488, ("open",)))

    def test_product_of_tensors_is_named(self):
        inputs = keras.Input((4, 4))
        outputs = keras.ops.matmul(inputs, inputs)
        counted = cost.count(keras.Model(inputs, outputs))
        self.assertLen(counted.uncounted, 1)
        self.assertEqual(counted.macs, 0)

    def test_equals_count_of_stripped_network(self):
        model = lenet(keras_l0.L0Gate)
        for layer in keras_l0.layers.gate_layers(model):
            logits = np.where(np.arange(layer.gate_vector.num_gates) % 2, 9, -9)
            layer.gate_vector.logits.assign(logits)
        counted = cost.count(keras_l0.strip_gates(model))
        # Units 10-25-250, 4 x 4 positions in front of the dense layers.
        params = 10 * 26 + 25 * 251 + 250 * 401 + 10 * 251
        macs = 576 * 25 * 10 + 64 * 25 * 10 * 25 + 400 * 250 + 250 * 10
        self.assertEqual(counted, cost.Cost(params, macs, 4 * params))

    def test_bytes_follow_the_types_of_the_weights(self):
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(3, dtype="bfloat16"),
                keras.layers.Dense(2, dtype="mixed_float16"),
                keras.layers.Dense(1, dtype="float64"),
            ]
        )
        self.assertEqual(cost.count(model).bytes, 2 * 15 + 4 * 8 + 8 * 3)

    def test_bytes_of_shared_weights_count_once(self):
        shared = keras.layers.Dense(4)
        inputs = keras.Input((4,))
        model = keras.Model(inputs, shared(shared(inputs)))
        self.assertEqual(cost.count(model).bytes, 4 * 20)

    def test_text_names_what_is_missing(self):
        self.assertEqual(
            str(cost.Cost(1234, 56, 4936, ("a", "b"))),
            "1,234 parameters, 56 MACs (without those of: a, b)",
        )

    def test_subclassed_model_raises(self):
        class Own(keras.Model):
            pass

        with self.assertRaisesRegex(ValueError, "subclassed model"):
            cost.count(Own())


if __name__ == "__main__":
    absltest.main()
