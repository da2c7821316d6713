"""Tests of the stock model that stands for a gated one."""

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.export import stock
from keras_l0.layers import has_gates
from tests import test_util
from tests.export import models


class StockModelTest(test_util.TestCase):
    def test_model_without_gates_is_itself(self):
        model = models.embedding_model()
        self.assertIs(stock.stock_model(model), model)

    def test_gated_sequential_takes_and_returns_a_tensor(self):
        model = models.gated_image_model()
        plain = stock.stock_model(model)
        self.assertFalse(has_gates(plain))
        data = np.ones((2, 6, 6, 2), "float32")
        self.assertAllClose(plain(data), model(data), atol=1e-5)

    def test_gated_dict_model_takes_and_returns_a_dict(self):
        model = models.gated_two_input_model(as_dict=True)
        plain = stock.stock_model(model)
        self.assertFalse(has_gates(plain))
        data = {"left": np.ones((2, 4)), "right": np.ones((2, 2))}
        for name, expected in model(data).items():
            self.assertAllClose(plain(data)[name], expected, atol=1e-5)

    def test_source_stays_gated(self):
        model = models.gated_image_model()
        before = [keras.ops.convert_to_numpy(v) for v in model.variables]
        stock.stock_model(model)
        self.assertTrue(has_gates(model))
        for variable, value in zip(model.variables, before, strict=True):
            self.assertAllEqual(variable, value)


if __name__ == "__main__":
    absltest.main()
