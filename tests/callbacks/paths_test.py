"""Tests of the check of paths."""

import os
import pathlib

from absl.testing import absltest

from keras_l0.callbacks.paths import check_path
from tests import test_util


class CheckPathTest(test_util.TestCase):
    def test_paths_become_strings(self):
        self.assertEqual(check_path("folder", "a/b"), "a/b")
        self.assertEqual(
            check_path("folder", pathlib.Path("a") / "b"),
            os.path.join("a", "b"),
        )

    def test_home_is_found(self):
        expected = os.path.join(os.path.expanduser("~"), "logs")
        self.assertEqual(check_path("folder", "~/logs"), expected)

    def test_other_things_raise(self):
        with self.assertRaisesRegex(
            TypeError, r"`folder` must be a path. Received: folder=3 \(int\)"
        ):
            check_path("folder", 3)

    def test_empty_path_raises(self):
        with self.assertRaisesRegex(ValueError, "`folder` must not be empty"):
            check_path("folder", "")


if __name__ == "__main__":
    absltest.main()
