"""Tests of the forms of a model that are measured."""

import os

import keras
import numpy as np
from absl.testing import absltest

from keras_l0.report import artifacts
from tests import test_util
from tests.export import models


class ArtifactsTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path

    def test_every_form_computes_the_same(self):
        model = models.embedding_model()
        forms = artifacts.Artifacts("small", model)
        forms.add_keras(self.folder)
        forms.add_saved_model(self.folder)
        forms.add_litert()
        self.assertEqual(
            list(forms.forms),
            [".keras, reloaded", "SavedModel, reloaded", ".tflite"],
        )
        data = np.array([[0, 1, 2, 3, 6], [6, 5, 4, 3, 2]], "int32")
        for run in forms.forms.values():
            self.assertAllClose(run([data])[0], model(data), atol=1e-6)
        self.assertEqual(list(forms.litert), ["small"])
        self.assertEmpty(forms.notes)

    def test_sizes_are_those_on_disk(self):
        forms = artifacts.Artifacts("small", models.embedding_model())
        forms.add_keras(self.folder)
        size = os.path.getsize(os.path.join(self.folder, "small.keras"))
        self.assertEqual(forms.sizes, {"keras": size})

    def test_keras_file_has_no_optimizer(self):
        sizes = []
        for compiled in (False, True):
            model = keras.Sequential(
                [keras.Input((50,)), keras.layers.Dense(100)]
            )
            if compiled:
                model.compile("adam", "mse")
                model.fit(np.ones((4, 50)), np.ones((4, 100)), verbose=0)
            forms = artifacts.Artifacts("small", model)
            forms.add_keras(self.folder)
            sizes.append(forms.sizes["keras"])
        # Adam's state would be two more numbers for each of 5100 weights.
        self.assertLess(sizes[1] - sizes[0], 4 * 5100)
        self.assertIsNotNone(model.optimizer)

    def test_quantized_form_has_a_row_of_its_own(self):
        forms = artifacts.Artifacts("small", models.embedding_model())
        forms.add_litert("float16")
        self.assertEqual(list(forms.litert), ["small float16"])
        self.assertEqual(list(forms.forms), [".tflite, float16"])

    def test_what_fails_is_noted(self):
        forms = artifacts.Artifacts("small", models.recurrent_model())
        forms.add_litert()
        self.assertEmpty(forms.litert)
        self.assertEmpty(forms.forms)
        (note,) = forms.notes
        self.assertRegex(note, r"^\.tflite of small: Model 'recurrent' cannot")


if __name__ == "__main__":
    absltest.main()
