"""Tests of the silence on the terminal."""

import io
import logging
import os
import sys
import tempfile
from unittest import mock

from absl.testing import absltest

from keras_l0.cli import quiet


class DescriptorCase(absltest.TestCase):
    """File descriptor 2 leads to a file that the test reads."""

    def setUp(self):
        super().setUp()
        self.file = self.enter_context(tempfile.TemporaryFile())
        kept = os.dup(2)
        self.addCleanup(os.close, kept)
        self.addCleanup(os.dup2, kept, 2)
        os.dup2(self.file.fileno(), 2)

    def written(self):
        self.file.seek(0)
        return self.file.read()


class QuietlyTest(DescriptorCase):
    def test_drops_what_the_body_writes(self):
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            mock.patch.object(sys, "stdout", stdout),
            mock.patch.object(sys, "stderr", stderr),
        ):
            with quiet.quietly():
                print("a")
                print("a", file=sys.stderr)
                os.write(2, b"a")
            print("b")
            print("c", file=sys.stderr)
        os.write(2, b"d")
        self.assertEqual(stdout.getvalue(), "b\n")
        self.assertEqual(stderr.getvalue(), "c\n")
        self.assertEqual(self.written(), b"d")

    def test_drops_warnings_and_keeps_errors_of_loggers(self):
        logger = logging.getLogger("keras_l0.quiet_test")
        with self.assertLogs(logger) as logs:
            with quiet.quietly():
                logger.warning("warning")
                logger.error("error")
            logger.warning("later")
        self.assertEqual(
            [record.getMessage() for record in logs.records],
            ["error", "later"],
        )

    def test_all_is_as_before_after_an_error(self):
        with self.assertRaisesRegex(ValueError, "x"), quiet.quietly():
            raise ValueError("x")
        os.write(2, b"d")
        self.assertEqual(self.written(), b"d")
        self.assertEqual(logging.root.manager.disable, logging.NOTSET)

    def test_works_without_a_terminal(self):
        os.close(2)
        with quiet.quietly():
            print("a")


class SilenceTest(DescriptorCase):
    def test_python_still_reaches_the_terminal(self):
        with mock.patch.object(sys, "stderr", sys.__stderr__):
            quiet.silence()
            os.write(2, b"from C")
            print("from Python", file=sys.stderr)
            sys.stderr.close()
        self.assertEqual(self.written(), b"from Python\n")


if __name__ == "__main__":
    absltest.main()
