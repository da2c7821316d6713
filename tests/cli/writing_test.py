"""Tests of the writing of models."""

import os
from unittest import mock

import keras
from absl.testing import absltest

from keras_l0.cli import writing
from tests.cli import command_case
from tests.export import models


class WriteTest(command_case.CommandCase):
    def test_keras_file(self):
        size = writing.write(models.gated_image_model(), "out.keras")
        self.assertEqual(size, os.path.getsize("out.keras"))
        self.assertEqual(keras.models.load_model("out.keras").name, "images")

    def test_folder(self):
        size = writing.write(models.embedding_model(), "out")
        self.assertContainsSubset(["saved_model.pb"], os.listdir("out"))
        self.assertGreater(size, os.path.getsize("out/saved_model.pb"))

    def test_a_failure_leaves_the_old_file(self):
        writing.write(models.embedding_model(), "out.keras")
        before = self.files()

        def fails(path):
            with open(path, "wb") as file:
                file.write(b"half")
            raise OSError("disk full")

        model = models.gated_image_model()
        with (
            mock.patch.object(model, "save", fails),
            self.assertRaisesRegex(OSError, "disk full"),
        ):
            writing.write(model, "out.keras")
        self.assertEqual(self.files(), before)


if __name__ == "__main__":
    absltest.main()
