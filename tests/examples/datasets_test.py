"""Tests of the examples' data: what is loaded, and what is refused."""

import os
import sys
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from examples import datasets
from tests import test_util


def arrays(images=40, shape=(6, 6)):
    """A dataset as Keras stores it: random images of ten classes."""
    generator = np.random.default_rng(test_util.test_seed())
    return {
        "x_train": generator.integers(0, 256, (images, *shape), "uint8"),
        "y_train": np.arange(images, dtype="uint8") % 10,
        "x_test": generator.integers(0, 256, (20, *shape), "uint8"),
        "y_test": np.arange(20, dtype="uint8") % 10,
    }


class NpzTestCase(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.path = os.path.join(self.folder, "mnist.npz")
        self.enter_context(
            mock.patch.dict(os.environ, {"KERAS_L0_DATA": self.folder})
        )

    def write(self, **changes):
        content = {**arrays(), **changes}
        np.savez(
            self.path, **{k: v for k, v in content.items() if v is not None}
        )


class LoadTest(NpzTestCase):
    def test_digits_are_split_into_three_parts_by_class(self):
        data = datasets.load("digits")
        sizes = [len(data.x_train), len(data.x_validation), len(data.x_test)]
        self.assertEqual(sizes, [1078, 119, 600])
        self.assertEqual(data.num_classes, 10)
        for y in (data.y_train, data.y_validation, data.y_test):
            share = np.bincount(y, minlength=10) / len(y)
            # There are 174 to 183 of each digit: 9.7 % to 10.2 %; an image
            # more or less is 0.84 % of the smallest part.
            self.assertAllInRange(share, 0.097 - 0.0084, 0.102 + 0.0084)

    def test_digits_parts_share_no_image(self):
        data = datasets.load("digits")
        images = np.concatenate([data.x_train, data.x_validation, data.x_test])
        flat = images.reshape(len(images), -1)
        self.assertEqual(len(np.unique(flat, axis=0)), 1797)

    def test_digits_are_the_same_in_every_call(self):
        first, second = datasets.load("digits"), datasets.load("digits")
        self.assertAllEqual(first.x_test, second.x_test)
        self.assertAllEqual(first.y_train, second.y_train)

    def test_npz_is_scaled_and_its_last_images_are_held_out(self):
        self.write()
        data = datasets.load("mnist")
        source = arrays()
        self.assertAllEqual(
            data.x_train[..., 0], source["x_train"][:36] / np.float32(255)
        )
        self.assertAllEqual(data.y_validation, source["y_train"][36:])
        self.assertAllEqual(data.y_test, source["y_test"])
        self.assertEqual(data.x_validation.shape, (4, 6, 6, 1))
        self.assertEqual(data.x_test.dtype, np.float32)
        self.assertEqual(data.y_test.dtype, np.int64)

    def test_npz_validation_has_at_most_5000_images(self):
        self.assertEqual(datasets._validation_size(60_000), 5000)
        self.assertEqual(datasets._validation_size(1797), 179)

    def test_npz_may_hold_floats_channels_and_a_column_of_labels(self):
        source = arrays(shape=(6, 6, 3))
        x = source["x_train"] / 255
        y = source["y_train"][:, np.newaxis]
        self.write(x_train=x, y_train=y, x_test=source["x_test"] / 255)
        data = datasets.load("mnist")
        self.assertAllEqual(data.x_train, x[:36].astype("float32"))
        self.assertEqual(data.y_train.shape, (36,))

    def test_images_are_enlarged_bilinearly(self):
        ramp = np.tile(np.arange(4, dtype="uint8") * 51, (40, 4, 1))
        self.write(x_train=ramp, x_test=ramp[:20])
        data = datasets.load("mnist", image_size=8)
        # Pixel centers at a quarter and three quarters between the old ones.
        row = np.array([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]) * 51 / 255
        self.assertAllClose(data.x_test[0, 3, :, 0], row, atol=1e-6, rtol=0)
        self.assertEqual(data.x_train.shape, (36, 8, 8, 1))

    def test_rows_are_the_rows_of_the_images_with_their_channels(self):
        source = arrays(shape=(6, 5, 3))
        self.write(x_train=source["x_train"], x_test=source["x_test"])
        data = datasets.load("mnist")
        rows = datasets.as_rows(data)
        self.assertEqual(rows.x_validation.shape, (4, 6, 15))
        self.assertAllEqual(rows.x_test[7, 2, 3:6], data.x_test[7, 2, 1])
        self.assertAllEqual(rows.y_test, data.y_test)

    def test_larger_images_keep_their_size(self):
        self.write()
        data = datasets.load("mnist", image_size=5)
        self.assertEqual(data.x_train.shape, (36, 6, 6, 1))

    def test_without_a_file_keras_is_asked(self):
        source = arrays()
        pairs = (
            (source["x_train"], source["y_train"]),
            (source["x_test"], source["y_test"]),
        )
        with mock.patch.object(
            keras.datasets.mnist, "load_data", return_value=pairs
        ):
            data = datasets.load("mnist")
        self.assertAllEqual(data.y_test, source["y_test"])


class ErrorTest(NpzTestCase):
    def test_unknown_name(self):
        with self.assertRaisesRegex(
            ValueError, r"Expected one of \('digits', .*name='svhn'"
        ):
            datasets.load("svhn")

    def test_missing_arrays_are_named(self):
        self.write(y_train=None, y_test=None)
        with self.assertRaisesRegex(
            ValueError, r"mnist.npz' must .*lacks \['y_train', 'y_test'\]"
        ):
            datasets.load("mnist")

    @parameterized.parameters(0, 1, 30, 0.25, 0.5, 0.9, 0.999)
    def test_truncated_file_is_named(self, kept):
        self.write()
        with open(self.path, "rb") as file:
            content = file.read()
        size = kept if isinstance(kept, int) else int(kept * len(content))
        self._assert_unreadable(content[:size])

    def test_damaged_bytes_are_refused_or_harmless(self):
        self.write(x_train=np.zeros((40, 6, 6), "uint8"))
        with open(self.path, "rb") as file:
            content = bytearray(file.read())
        generator = np.random.default_rng(test_util.test_seed())
        for place in generator.integers(0, len(content), 200):
            damaged = content.copy()
            damaged[place] ^= 0xFF
            with open(self.path, "wb") as file:
                file.write(damaged)
            try:
                datasets.load("mnist")
            except ValueError as error:
                self.assertIn("mnist.npz", str(error))

    @parameterized.parameters(b"no archive", b"\x80\x04K\x01.")
    def test_other_files_are_refused(self, content):
        self._assert_unreadable(content)

    def test_a_single_array_is_refused(self):
        with open(self.path, "wb") as file:
            np.save(file, np.zeros(3))
        with self.assertRaisesRegex(ValueError, "mnist.npz' cannot be read"):
            datasets.load("mnist")

    def test_pickled_objects_are_refused(self):
        self.write(x_train=np.array([{}] * 40, dtype=object))
        with self.assertRaisesRegex(ValueError, "cannot be read: .*pickle"):
            datasets.load("mnist")

    def test_a_folder_is_refused(self):
        os.mkdir(self.path)
        with self.assertRaisesRegex(ValueError, "mnist.npz' cannot be read"):
            datasets.load("mnist")

    def _assert_unreadable(self, content):
        with open(self.path, "wb") as file:
            file.write(content)
        with self.assertRaisesRegex(
            ValueError, "mnist.npz' cannot be read: it is truncated, damaged"
        ):
            datasets.load("mnist")

    @parameterized.named_parameters(
        ("flat", "x_train", np.zeros((40, 36), "uint8"), r"shape=\(40, 36\)"),
        ("text", "x_train", np.full((40, 6, 6), "a"), "dtype=<U1"),
        ("bright", "x_train", np.full((40, 6, 6), 2.0), r"`x_train`.*\[0, 1\]"),
        ("nan", "x_test", np.full((20, 6, 6), np.nan), r"`x_test`.*\[0, 1\]"),
        ("unequal", "y_train", np.zeros(39, "uint8"), "`y_train`.*40 images"),
        ("real", "y_test", np.zeros(20), "`y_test`.*dtype=float64"),
        ("negative", "y_test", np.full(20, -1), "`y_test`.*counted from 0"),
        ("few", "x_test", np.zeros((0, 6, 6), "uint8"), "`x_test`.*10 or more"),
        ("size", "x_test", np.zeros((20, 5, 6), "uint8"), r"\(5, 6\)"),
        ("class", "y_test", np.full(20, 10), "up to 9 and 10"),
    )
    def test_arrays_that_do_not_fit_are_named(self, key, array, words):
        self.write(**{key: array})
        with self.assertRaisesRegex(ValueError, words) as caught:
            datasets.load("mnist")
        self.assertIn("mnist.npz", str(caught.exception))

    def test_digits_without_scikit_learn(self):
        with mock.patch.dict(sys.modules, {"sklearn": None}):
            with self.assertRaisesRegex(
                ImportError, r"pip install keras_l0\[examples\]"
            ):
                datasets.load("digits")


if __name__ == "__main__":
    absltest.main()
