"""Tests that a disk that is full leaves what was there, and nothing else."""

import contextlib
import errno
import io
import os
import resource
import signal
import sys
from unittest import mock

from absl import logging
from absl.testing import absltest
from absl.testing import parameterized

from tests import test_util
from tests.robustness import writers

NAMED = [(writer.name, writer) for writer in writers.WRITERS]
FULL = r"cannot be written \(File too large\)"


@contextlib.contextmanager
def disk_full_after(size):
    """Lets no file grow beyond `size` bytes, as a quota would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def contents():
    """Path -> content of every file here, None for that of a folder."""
    found = {}
    for above, folders, names in os.walk("."):
        found |= {os.path.join(above, name): None for name in folders}
        for name in names:
            path = os.path.join(above, name)
            with open(path, "rb") as file:
                found[path] = file.read()
    return found


class FullDiskTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        folder = self.create_tempdir().full_path
        self.enter_context(contextlib.chdir(folder))
        # Where stderr is a file (Bazel's), logs do not fit on the disk either.
        self.addCleanup(logging.set_verbosity, logging.get_verbosity())
        logging.set_verbosity(logging.ERROR)
        # Nor do compiled modules, of which half would be left.
        self.enter_context(mock.patch.object(sys, "dont_write_bytecode", True))

    def fail_to_write(self, writer):
        """Runs a writer on a full disk, which has to say so."""
        said = io.StringIO()
        with (
            contextlib.redirect_stderr(said),
            self.assertRaises(OSError) as caught,
            disk_full_after(writer.room),
        ):
            writer.write(writer.target)
        message = said.getvalue() or str(caught.exception)
        self.assertNotIn("Traceback", message)
        self.assertRegex(message, rf"{FULL}.*{writer.target}")
        if not said.getvalue():
            self.assertEqual(caught.exception.errno, errno.EFBIG)

    @parameterized.named_parameters(*NAMED)
    def test_what_was_there_stays(self, writer):
        writers.prepare(writer)
        writer.leave_old()
        before = contents()
        self.fail_to_write(writer)
        self.assertEqual(contents(), before)

    # Commands write as the functions do that they call.
    @parameterized.named_parameters(
        *[
            row
            for row in NAMED
            if not row[1].reads and row[0] != "pareto_folder"
        ]
    )
    def test_nothing_new_appears(self, writer):
        self.fail_to_write(writer)
        self.assertEqual(contents(), {})


if __name__ == "__main__":
    absltest.main()
