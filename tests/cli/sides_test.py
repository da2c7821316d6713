"""Tests of comparisons in which a SavedModel takes part."""

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from keras_l0.cli import sides
from keras_l0.cli.command import TaskError
from tests.cli import command_case
from tests.export import models


class SidesTest(command_case.CommandCase):
    def compare(self, a, b, data=None, quantize=()):
        a, b = sides.load_side("A", a), sides.load_side("B", b)
        return sides.compare(a, b, data, quantize, 1)

    def test_two_folders(self):
        model = models.gated_image_model()
        keras_l0.export_saved_model(model, "a")
        last = model.weights[-1]
        last.assign(last + 0.25)
        keras_l0.export_saved_model(model, "b")
        found = self.compare("a", "b")
        self.assertAllClose(found.differences, {"dense model": 0.25})
        dense, stripped = found.models
        self.assertEqual((dense.name, stripped.name), ("dense", "stripped"))
        self.assertEqual(dense.params, stripped.params)
        for figure in ("saved_model_bytes", "litert_bytes", "ms_1_thread"):
            self.assertGreater(getattr(stripped, figure), 0)

    def test_inputs_are_told_by_their_names(self):
        left, right = keras.Input((2,), name="b"), keras.Input((2,), name="a")
        model = keras.Model([left, right], left - 3.0 * right)
        model.save("model.keras")
        keras_l0.export_saved_model(model, "folder")
        for pair in (("model.keras", "folder"), ("folder", "model.keras")):
            found = self.compare(*pair)
            (difference,) = found.differences.values()
            self.assertLess(difference, 1e-6)
            self.assertGreater(found.largest_output, 1.0)
            self.assertIsNotNone(found.models[0].ms_1_thread)

    def test_gated_b_is_stripped(self):
        self.save_gated()
        keras_l0.export_saved_model(models.gated_image_model(), "folder")
        found = self.compare("folder", "gated.keras")
        self.assertEqual(found.models[0].params, found.models[1].params)
        self.assertIsNotNone(found.models[1].macs)

    def test_size_of_the_file_is_without_the_optimizer(self):
        keras_l0.export_saved_model(models.gated_image_model(), "folder")
        model = models.gated_image_model()
        model.compile("adam", "mse")
        model.fit(np.ones((2, 6, 6, 2)), np.ones((2, 3)), verbose=0)
        model.save("fitted.keras")
        fitted = self.compare("fitted.keras", "folder").models[0]
        model.compile()
        self.save_gated("plain.keras")
        plain = self.compare("plain.keras", "folder").models[0]
        self.assertEqual((fitted.name, plain.name), ("gated", "gated"))
        self.assertLess(abs(fitted.keras_bytes - plain.keras_bytes), 500)

    def test_what_cannot_be_converted_is_noted(self):
        models.recurrent_model().save("model.keras")
        keras_l0.export_saved_model(models.recurrent_model(), "folder")
        found = self.compare("model.keras", "folder")
        self.assertLen(found.notes, 2)
        self.assertStartsWith(found.notes[0], ".tflite of dense: ")
        self.assertIsNone(found.models[0].litert_bytes)

    def test_other_inputs_raise(self):
        keras_l0.export_saved_model(models.embedding_model(), "words")
        keras_l0.export_saved_model(models.gated_two_input_model(), "two")
        self.save_gated()
        for other in ("words", "two"):
            with self.assertRaisesRegex(TaskError, "take the same inputs"):
                self.compare("gated.keras", other)


if __name__ == "__main__":
    absltest.main()
