"""Tests of the conversion of a SavedModel to LiteRT."""

import os
from unittest import mock

import numpy as np
from absl.testing import absltest

import keras_l0
from keras_l0.cli import saved_model
from keras_l0.cli import saved_model_export
from tests.cli import command_case
from tests.export import models


class ExportLitertTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.model = models.gated_image_model()
        keras_l0.export_saved_model(self.model, "saved")

    def test_result(self):
        found = saved_model_export.export_litert(
            "saved", "o.tflite", None, None
        )
        self.assertEqual(found.bytes, os.path.getsize("o.tflite"))
        self.assertEqual((found.path, found.format), OUT)
        self.assertLess(found.max_difference, 1e-5)
        self.assertGreater(found.max_reference, 0.1)

    def test_another_network_is_not_written(self):
        self.model.weights[-1].assign(self.model.weights[-1] + 0.25)
        keras_l0.export_saved_model(self.model, "other")
        info = saved_model.read_info("MODEL", "other")
        content = saved_model.convert("other", info)
        with (
            mock.patch.object(saved_model, "convert", return_value=content),
            self.assertRaisesRegex(RuntimeError, "differ by up to 2.5e-01"),
        ):
            saved_model_export.export_litert("saved", "o.tflite", None, None)
        self.assertFalse(os.path.exists("o.tflite"))

    def test_several_inputs(self):
        keras_l0.export_saved_model(models.gated_two_input_model(), "two")
        np.savez("data.npz", left=np.ones((9, 4)), right=np.ones((9, 2)))
        found = saved_model_export.export_litert(
            "two", "o.tflite", "int8", "data.npz"
        )
        self.assertLess(found.max_difference, 0.1)


OUT = ("o.tflite", "LiteRT float32")

if __name__ == "__main__":
    absltest.main()
