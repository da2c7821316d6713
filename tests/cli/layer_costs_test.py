"""Tests of the cost of each layer."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import cost
from keras_l0.cli.layer_costs import layer_costs
from tests import test_util
from tests.export import models


def shared_model():
    inputs = keras.Input((4,))
    layer = keras.layers.Dense(4, name="shared")
    return keras.Model(inputs, keras.layers.Dense(2)(layer(layer(inputs))))


def nested_model():
    inner = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, name="in")], name="inner"
    )
    inputs = keras.Input((4,))
    return keras.Model(inputs, keras.layers.Dense(2)(inner(inputs)))


def product_model():
    left, right = keras.Input((3, 4)), keras.Input((4, 5))
    return keras.Model([left, right], keras.ops.matmul(left, right))


class LayerCostsTest(test_util.TestCase):
    @parameterized.parameters(
        models.gated_image_model,
        models.gated_two_input_model,
        models.embedding_model,
        models.recurrent_model,
        shared_model,
        nested_model,
        product_model,
    )
    def test_sums_are_the_cost_of_the_model(self, make):
        model = make()
        total, rows = cost.count(model), layer_costs(model)
        self.assertEqual(sum(row.params for row in rows), total.params)
        self.assertEqual(sum(row.macs or 0 for row in rows), total.macs)
        unknown = tuple(row.name for row in rows if row.macs is None)
        self.assertEqual(unknown, total.uncounted)

    def test_a_second_call_has_no_weights_of_its_own(self):
        rows = layer_costs(shared_model())
        self.assertEqual([row.params for row in rows], [20, 0, 10])
        self.assertEqual([row.macs for row in rows], [16, 16, 8])

    def test_units(self):
        model = keras.Sequential(
            [
                keras.Input((2, 8, 8)),
                keras.layers.Conv2D(3, 3, data_format="channels_first"),
                keras.layers.Flatten(),
                keras.layers.Dense(5),
            ]
        )
        self.assertEqual([row.units for row in layer_costs(model)], [3, 5])
        self.assertEqual(layer_costs(nested_model())[0].name, "inner/in")


if __name__ == "__main__":
    absltest.main()
