"""Tests of running models, SavedModels and LiteRT files alike."""

import os
import warnings

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.export import converter
from keras_l0.export import runners
from keras_l0.export import saved_model
from keras_l0.export import stock
from keras_l0.internal import model_runner
from tests import test_util
from tests.export import models

LEFT = np.random.default_rng(1).normal(size=(3, 4)).astype("float32")
RIGHT = np.random.default_rng(2).normal(size=(3, 2)).astype("float32")


class RunnersTest(test_util.TestCase):
    def all_runners(self, model):
        """A runner of each kind for `model`."""
        model = stock.stock_model(model)
        path = os.path.join(self.create_tempdir().full_path, "model")
        os.mkdir(path)
        saved_model.write_saved_model(model, path)
        return (
            model_runner.model_runner(model),
            runners.saved_model_runner(path, model),
            runners.litert_runner(converter.convert(model), model),
        )

    @parameterized.parameters(False, True)
    def test_inputs_and_outputs_keep_their_order(self, as_dict):
        model = models.gated_two_input_model(as_dict)
        if as_dict:
            results = model({"left": LEFT, "right": RIGHT})
            expected = [results["narrow"], results["wide"]]
        else:
            expected = model([LEFT, RIGHT])
        for run in self.all_runners(model):
            outputs = run([LEFT, RIGHT])
            self.assertLen(outputs, 2)
            for output, reference in zip(outputs, expected, strict=True):
                self.assertIsInstance(output, np.ndarray)
                self.assertAllClose(output, reference, atol=1e-5)

    def test_twelve_outputs_keep_their_order(self):
        inputs = keras.Input((4,))
        outputs = [inputs * float(number) for number in range(12)]
        for run in self.all_runners(keras.Model(inputs, outputs)):
            for number, output in enumerate(run([LEFT])):
                self.assertAllEqual(output, LEFT * np.float32(number))

    def test_interpreter_warns_of_nothing(self):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            runners.interpreter(converter.convert(model))
        self.assertEmpty(
            [str(w.message) for w in caught if "lite" in w.filename]
        )


class InChunksTest(test_util.TestCase):
    def test_any_size_takes_all_rows(self):
        chunks = runners.in_chunks([np.arange(130), np.arange(130)], None)
        self.assertEqual([len(chunk[0]) for chunk in chunks], [64, 64, 2])
        self.assertAllEqual(
            np.concatenate([chunk[1] for chunk in chunks]), np.arange(130)
        )

    def test_own_size_leaves_the_rest_out(self):
        chunks = runners.in_chunks([np.arange(7)], 3)
        self.assertEqual([list(c) for (c,) in chunks], [[0, 1, 2], [3, 4, 5]])


if __name__ == "__main__":
    absltest.main()
