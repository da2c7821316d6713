"""Tests that a copy of a model goes on exactly where the model was."""

import copy
import pathlib

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util

# Keras builds each layer of a clone from its own config, which unties them.
UNTIED = [
    (name, row) for name, row in descriptors.NAMED if name != "gate_vector"
]


class SavingTest(test_util.TestCase):
    def trained(self, row):
        """A row's model after a step of eager training."""
        model = row.model()
        model.compile(keras.optimizers.Adam(0.1), "mse", run_eagerly=True)
        self.step(model)
        return model

    def step(self, model):
        x = descriptors.inputs()
        return model.train_on_batch(x, np.ones((len(x), 2)))

    def check_same(self, model, other):
        """Same values, same draws and, going on, the same model again."""
        x = descriptors.inputs()
        for training in (False, True, True):
            self.assertAllEqual(
                other(x, training=training), model(x, training=training)
            )
            self.assertAllEqual(other.losses, model.losses)
        for variable, known in zip(
            other.variables, model.variables, strict=True
        ):
            self.assertAllEqual(variable, known)

    @parameterized.named_parameters(*descriptors.NAMED)
    def test_keras_file_resumes_training(self, row):
        model = self.trained(row)
        path = pathlib.Path(self.create_tempdir().full_path) / "model.keras"
        model.save(path)
        other = keras.saving.load_model(path)
        other.run_eagerly = True
        self.check_same(model, other)
        self.assertEqual(self.step(other), self.step(model))
        self.check_same(model, other)

    @parameterized.named_parameters(*descriptors.NAMED)
    def test_weights_file_fits_a_new_model(self, row):
        model = self.trained(row)
        folder = pathlib.Path(self.create_tempdir().full_path)
        model.save_weights(folder / "model.weights.h5")
        other = row.model()
        other.load_weights(folder / "model.weights.h5")
        self.check_same(model, other)

    @parameterized.named_parameters(*descriptors.NAMED)
    def test_deepcopy_is_equal_and_independent(self, row):
        model = self.trained(row)
        other = copy.deepcopy(model)
        self.check_same(model, other)
        before = [np.array(variable) for variable in model.weights]
        descriptors.set_logits(other, (-1000.0, 1000.0))
        self.step(other)
        for variable, known in zip(model.weights, before, strict=True):
            self.assertAllEqual(variable, known)

    @parameterized.named_parameters(*UNTIED)
    def test_clone_computes_the_same(self, row):
        model = self.trained(row)
        other = keras.models.clone_model(model)
        other.set_weights(model.get_weights())
        x = descriptors.inputs()
        self.assertAllEqual(other(x), model(x))
        descriptors.set_logits(other, (-1000.0, 1000.0))
        self.assertNotAllEqual(other(x), model(x))


if __name__ == "__main__":
    absltest.main()
