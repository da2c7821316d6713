"""Tests of the cost rules of layers without a kernel."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import cost
from tests import test_util


class KernellessTest(test_util.TestCase):
    @parameterized.parameters(
        keras.layers.BatchNormalization,
        keras.layers.GroupNormalization,
        keras.layers.LayerNormalization,
        keras.layers.Normalization,
        keras.layers.PReLU,
        keras.layers.RMSNormalization,
    )
    def test_macs_are_zero(self, make):
        layer = make(groups=2) if "Group" in make.__name__ else make()
        model = keras.Sequential([keras.Input((4,)), layer])
        counted = cost.count(model)
        self.assertEqual(counted.params, model.count_params())
        self.assertEqual(counted.macs, 0)
        self.assertGreater(counted.params, 0)

    def test_macs_of_embedding_are_zero(self):
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Embedding(7, 2)]
        )
        self.assertEqual(cost.count(model), cost.Cost(14, 0, 56))

    def test_reversible_embedding_is_uncounted(self):
        layer = keras.layers.ReversibleEmbedding(7, 2, name="tied")
        model = keras.Sequential([keras.Input((3,), dtype="int32"), layer])
        self.assertEqual(cost.count(model).uncounted, ("tied",))


if __name__ == "__main__":
    absltest.main()
