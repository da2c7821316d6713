"""Tests of what is looked at before a model is loaded."""

import os

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import paths
from keras_l0.cli.command import TaskError
from tests.cli import command_case


class PathsTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        os.makedirs("saved")
        os.makedirs("folder")
        for name in ("gated.keras", "old.H5", "notes.txt", "saved/" + PB):
            with open(name, "w") as file:
                file.write("x")

    @parameterized.parameters(
        ("a/b.keras", ".keras"),
        ("b.KERAS", ".keras"),
        ("a.b/c", ""),
        ("a/", ""),
        ("b.keras/", ".keras"),
        ("serving/1", ""),
    )
    def test_suffix(self, path, expected):
        self.assertEqual(paths.suffix(path), expected)

    def test_what_may_be_a_model(self):
        for path in ("gated.keras", "old.H5", "saved", "saved/"):
            paths.check_model("MODEL", path)
        self.assertTrue(paths.is_saved_model("saved"))
        for path in ("folder", "gated.keras", "nothing"):
            self.assertFalse(paths.is_saved_model(path))

    @parameterized.parameters(
        ("gaetd.keras", "^MODEL does not exist. Did you mean `gated.keras`"),
        ("folder/x.keras", "^MODEL does not exist. Received: folder/x.keras$"),
        ("none/x.keras", "^MODEL does not exist. There is no folder none"),
        ("folder", "^MODEL is a folder, but not a SavedModel"),
        ("notes.txt", "^MODEL must be a file that ends in .keras, .h5, .hdf5"),
    )
    def test_what_is_no_model_raises(self, path, words):
        with self.assertRaisesRegex(TaskError, words):
            paths.check_model("MODEL", path)

    def test_what_may_be_written(self):
        for path in ("new.keras", "folder/new.keras", "new/"):
            paths.check_output("OUT", path, overwrite=False)
        paths.check_output("OUT", "gated.keras", overwrite=True)

    @parameterized.parameters("gated.keras", "folder", "dangling")
    def test_what_exists_raises(self, path):
        os.symlink("nowhere", "dangling")
        with self.assertRaisesRegex(
            TaskError, f"^OUT exists. `--overwrite` .*Received: {path}$"
        ):
            paths.check_output("OUT", path, overwrite=False)

    def test_missing_folder_raises(self):
        with self.assertRaisesRegex(TaskError, "does not exist: none/deep. "):
            paths.check_output("OUT", "none/deep/x.keras", overwrite=True)


PB = "saved_model.pb"

if __name__ == "__main__":
    absltest.main()
