"""Tests that what is written is complete, or not there."""

import errno
import os
import pathlib
import tempfile
from unittest import mock

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.internal import files
from tests import test_util


class FilesTestCase(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(dir=self.create_tempdir().full_path)
        self.path = os.path.join(self.folder, "out.txt")

    def names(self):
        return sorted(os.listdir(self.folder))


class AtomicFileTest(FilesTestCase):
    def test_writes_new_file(self):
        with files.atomic_file(self.path) as temporary:
            pathlib.Path(temporary).write_text("new")
            self.assertNotIn("out.txt", self.names())
        self.assertEqual(self.names(), ["out.txt"])
        self.assertEqual(pathlib.Path(self.path).read_text(), "new")

    def test_takes_a_path_object(self):
        with files.atomic_file(pathlib.Path(self.path)) as temporary:
            pathlib.Path(temporary).write_text("new")
        self.assertEqual(self.names(), ["out.txt"])

    def test_replaces_old_file_at_the_end(self):
        pathlib.Path(self.path).write_text("old")
        with files.atomic_file(self.path) as temporary:
            pathlib.Path(temporary).write_text("new")
            self.assertEqual(pathlib.Path(self.path).read_text(), "old")
        self.assertEqual(self.names(), ["out.txt"])
        self.assertEqual(pathlib.Path(self.path).read_text(), "new")

    @parameterized.parameters(ValueError, KeyboardInterrupt)
    def test_failure_keeps_old_file(self, error):
        pathlib.Path(self.path).write_text("old")
        with self.assertRaisesRegex(error, "midway"):
            with files.atomic_file(self.path) as temporary:
                pathlib.Path(temporary).write_text("half")
                raise error("midway")
        self.assertEqual(self.names(), ["out.txt"])
        self.assertEqual(pathlib.Path(self.path).read_text(), "old")

    def test_full_disk_keeps_old_file(self):
        pathlib.Path(self.path).write_text("old")
        full = OSError(errno.ENOSPC, "No space left on device")
        with mock.patch.object(os, "replace", side_effect=full):
            with self.assertRaisesRegex(
                OSError,
                r"^`filepath` cannot be written \(No space left on device\). "
                "Received: filepath='.*out.txt'$",
            ) as caught:
                with files.atomic_file(self.path):
                    pass
        self.assertEqual(caught.exception.errno, errno.ENOSPC)
        self.assertEqual(self.names(), ["out.txt"])
        self.assertEqual(pathlib.Path(self.path).read_text(), "old")

    def test_other_errors_of_the_body_stay_as_they_are(self):
        other = FileNotFoundError(errno.ENOENT, "No such file", "data.npy")
        with self.assertRaises(FileNotFoundError) as caught:
            with files.atomic_file(self.path):
                raise other
        self.assertIs(caught.exception, other)

    def test_suffix_is_kept(self):
        path = os.path.join(self.folder, "model.keras")
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        with files.atomic_file(path) as temporary:
            model.save(temporary)
        self.assertEqual(keras.models.load_model(path).count_params(), 3)

    def test_link_stays_a_link(self):
        link = os.path.join(self.folder, "link.txt")
        os.symlink(self.path, link)
        with files.atomic_file(link) as temporary:
            pathlib.Path(temporary).write_text("new")
        self.assertTrue(os.path.islink(link))
        self.assertEqual(pathlib.Path(self.path).read_text(), "new")

    def test_longest_name_can_be_written(self):
        path = os.path.join(self.folder, "ü" * 125 + ".txt")
        with files.atomic_file(path) as temporary:
            pathlib.Path(temporary).write_text("new")
        self.assertEqual(self.names(), [os.path.basename(path)])

    @parameterized.named_parameters(
        ("no_folder", "none/out.txt", FileNotFoundError, "does not exist"),
        ("folder", ".", IsADirectoryError, "must name a file"),
        ("name_too_long", "n" * 300, OSError, "cannot be written|too long"),
    )
    def test_bad_path_raises_before_the_work(self, path, error, words):
        path = os.path.join(self.folder, path)
        with self.assertRaisesRegex(error, words):
            with files.atomic_file(path):
                self.fail("the body ran")
        self.assertEqual(self.names(), [])

    def test_write_protected_file_raises(self):
        pathlib.Path(self.path).write_text("old")
        # The superuser may write anywhere, so that permissions are mocked.
        with mock.patch.object(os, "access", return_value=False):
            with self.assertRaisesRegex(PermissionError, "write-protected"):
                with files.atomic_file(self.path):
                    self.fail("the body ran")
        self.assertEqual(self.names(), ["out.txt"])

    def test_write_protected_folder_names_the_path(self):
        denied = PermissionError(errno.EACCES, "Permission denied")
        with mock.patch("builtins.open", side_effect=denied):
            with self.assertRaisesRegex(
                PermissionError,
                r"cannot be written \(Permission denied\).*out\.txt",
            ):
                with files.atomic_file(self.path):
                    self.fail("the body ran")

    @parameterized.parameters((3,), (None,), (b"out",))
    def test_no_path_raises(self, path):
        with self.assertRaisesRegex(TypeError, "`filepath` must be a path"):
            with files.atomic_file(path):
                pass

    def test_empty_path_raises(self):
        with self.assertRaisesRegex(ValueError, "must not be empty"):
            with files.atomic_file(""):
                pass


class AtomicDirectoryTest(FilesTestCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.folder, "out")

    def write(self, content):
        with files.atomic_directory(self.path, ("a", "b")) as temporary:
            pathlib.Path(temporary, "a").write_text(content)

    def content(self):
        return {
            path.name: path.read_text()
            for path in pathlib.Path(self.path).iterdir()
        }

    def test_writes_new_folder(self):
        self.write("new")
        self.assertEqual(self.names(), ["out"])
        self.assertEqual(self.content(), {"a": "new"})

    def test_trailing_slash_names_the_same_folder(self):
        self.path += "/"
        self.write("new")
        self.assertEqual(self.names(), ["out"])

    def test_replaces_old_folder_as_a_whole(self):
        os.mkdir(self.path)
        pathlib.Path(self.path, "b").write_text("old")
        self.write("new")
        self.assertEqual(self.names(), ["out"])
        self.assertEqual(self.content(), {"a": "new"})

    def test_failure_keeps_old_folder(self):
        self.write("old")
        with self.assertRaisesRegex(ValueError, "midway"):
            with files.atomic_directory(self.path, ("a",)) as temporary:
                pathlib.Path(temporary, "a").write_text("half")
                raise ValueError("midway")
        self.assertEqual(self.names(), ["out"])
        self.assertEqual(self.content(), {"a": "old"})

    def test_failure_of_the_last_step_puts_old_folder_back(self):
        self.write("old")
        rename = os.rename

        def fail_on_the_new_one(source, target):
            if pathlib.Path(source, "a").read_text() == "new":
                raise OSError(errno.ENOSPC, "No space left on device")
            rename(source, target)

        with (
            mock.patch.object(files, "_exchange", return_value=False),
            mock.patch.object(os, "rename", fail_on_the_new_one),
            self.assertRaisesRegex(
                OSError, r"`filepath` cannot be written \(No space left"
            ),
        ):
            self.write("new")
        self.assertEqual(self.names(), ["out"])
        self.assertEqual(self.content(), {"a": "old"})

    @parameterized.parameters(True, False)
    def test_old_folder_is_replaced_with_and_without_exchange(self, exchanges):
        self.write("old")
        if not exchanges:
            # As where the C library has no such function.
            nothing = mock.Mock(spec=())
            self.enter_context(
                mock.patch.object(files.ctypes, "CDLL", return_value=nothing)
            )
        self.write("new")
        self.assertEqual(self.names(), ["out"])
        self.assertEqual(self.content(), {"a": "new"})

    def test_folder_with_other_content_is_refused(self):
        os.mkdir(self.path)
        for name in ("a", "p", "q", "r", "s"):
            pathlib.Path(self.path, name).write_text("mine")
        with self.assertRaisesRegex(
            FileExistsError, r"would delete: p, q, r, \.\.\..*filepath='.*out'"
        ):
            self.write("new")
        self.assertLen(self.content(), 5)
        self.assertEqual(self.names(), ["out"])

    def test_file_is_refused(self):
        pathlib.Path(self.path).write_text("mine")
        with self.assertRaisesRegex(NotADirectoryError, "must name a folder"):
            self.write("new")
        self.assertEqual(self.names(), ["out"])

    def test_missing_folder_above_raises(self):
        self.path = os.path.join(self.folder, "none", "out")
        with self.assertRaisesRegex(FileNotFoundError, "does not exist"):
            self.write("new")
        self.assertEqual(self.names(), [])


class SizeInBytesTest(FilesTestCase):
    def test_sums_what_lies_below(self):
        os.mkdir(os.path.join(self.folder, "deep"))
        pathlib.Path(self.folder, "deep", "a").write_bytes(b"12345")
        pathlib.Path(self.folder, "b").write_bytes(b"67")
        self.assertEqual(files.size_in_bytes(self.folder), 7)
        self.assertEqual(files.size_in_bytes(os.path.join(self.folder, "b")), 2)


if __name__ == "__main__":
    absltest.main()
