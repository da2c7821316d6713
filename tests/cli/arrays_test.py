"""Tests of the reading of input data."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import arrays
from keras_l0.cli.command import TaskError
from tests.cli import command_case
from tests.export import models

LEFT = np.arange(12.0).reshape(3, 4)
RIGHT = np.arange(6.0).reshape(3, 2)


class ArraysTest(command_case.CommandCase):
    def load(self, path, model=None):
        model = models.gated_image_model() if model is None else model
        return arrays.data_for(model, "--data", path)

    def test_no_file(self):
        self.assertIsNone(self.load(None))

    def test_array(self):
        images = self.save_images()
        self.assertAllEqual(self.load("images.npy"), images)

    def test_archive_of_one_array(self):
        images = self.save_images()
        np.savez("images.npz", whatever=images)
        self.assertAllEqual(self.load("images.npz"), images)

    def test_archive_by_the_names_of_the_inputs(self):
        np.savez("both.npz", right=RIGHT, left=LEFT)
        left, right = self.load("both.npz", models.gated_two_input_model())
        self.assertAllEqual(left, LEFT)
        self.assertAllEqual(right, RIGHT)
        self.assertEqual(left.dtype, np.float32)

    def test_other_names_raise(self):
        np.savez("both.npz", right=RIGHT, top=LEFT)
        with self.assertRaisesRegex(ValueError, r"`--data` .*'left', 'right'"):
            self.load("both.npz", models.gated_two_input_model())

    def test_other_shape_raises(self):
        np.save("flat.npy", LEFT)
        with self.assertRaisesRegex(
            ValueError, r"^`--data` must have the shape \(n, 6, 6, 2\)"
        ):
            self.load("flat.npy")

    def test_missing_file_raises(self):
        with self.assertRaisesRegex(TaskError, "`--data` does not exist"):
            self.load("none.npy")

    @parameterized.parameters(b"", b"text", b"PK\x03\x04", b"\x93NUMPY")
    def test_what_is_no_array_raises(self, content):
        with open("bad.npy", "wb") as file:
            file.write(content)
        with self.assertRaisesRegex(TaskError, "must be a `.npy` or `.npz`"):
            self.load("bad.npy")

    def test_pickles_are_refused(self):
        np.save("objects.npy", np.array([print], object))
        with self.assertRaisesRegex(TaskError, "must be a `.npy` or `.npz`"):
            self.load("objects.npy")


if __name__ == "__main__":
    absltest.main()
