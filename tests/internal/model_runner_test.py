"""Tests of running models on lists of arrays."""

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.internal import model_runner
from tests import test_util

ROWS = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")


class ModelRunnerTest(test_util.TestCase):
    def test_model_runs_in_inference_mode(self):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5)])
        (output,) = model_runner.model_runner(model)([ROWS])
        self.assertAllEqual(output, ROWS)

    def test_dict_inputs_come_in_the_order_of_the_model(self):
        left, right = keras.Input((4,), name="b"), keras.Input((4,), name="a")
        model = keras.Model({"b": left, "a": right}, left - right)
        order = [tensor.name for tensor in model.inputs]
        rows = {"b": ROWS, "a": 3 * ROWS}
        run = model_runner.model_runner(model)
        (output,) = run([rows[name] for name in order])
        self.assertAllClose(output, -2 * ROWS)

    def test_nested_outputs_are_flattened(self):
        x = keras.Input((4,))
        model = keras.Model(x, {"one": x + 1.0, "more": [x + 2.0, x + 3.0]})
        outputs = model_runner.model_runner(model)([0 * ROWS])
        self.assertEqual([output[0, 0] for output in outputs], [2, 3, 1])


if __name__ == "__main__":
    absltest.main()
