"""Tests of what happens before TensorFlow is imported."""

import contextlib
import io
import sys
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import early
from keras_l0.cli import quiet


class WordsTest(parameterized.TestCase):
    @parameterized.parameters(
        (["/bin/keras-l0", "a", "b"], ["python", "/bin/keras-l0", "a", "b"]),
        (["keras-l0.exe", "a", "b"], ["python", "keras-l0.exe", "a", "b"]),
        (["-m", "a", "b"], ["python", "-m", "keras_l0", "a", "b"]),
        (["-m", "a", "b"], ["python", "-X", "x", "-mkeras_l0", "a", "b"]),
    )
    def test_the_command_line(self, argv, original):
        self.assertEqual(early.words_of(argv, original), ["a", "b"])

    def test_no_words(self):
        found = early.words_of(["-m"], ["python", "-m", "keras_l0"])
        self.assertEqual(found, [])

    @parameterized.parameters(
        ([], []),
        ([""], ["python"]),
        (["-c", "keras_l0"], ["python", "-c", "...", "keras_l0"]),
        (["-m", "a"], ["python", "-m", "pytest", "a"]),
        (["-m", "keras_l0"], ["python", "-m", "pytest", "keras_l0"]),
        (["train.py", "strip"], ["python", "train.py", "strip"]),
        (["keras-l0-train", "a"], ["python", "keras-l0-train", "a"]),
    )
    def test_any_other_process(self, argv, original):
        self.assertIsNone(early.words_of(argv, original))


class AnswerTest(absltest.TestCase):
    def answer(self, *words):
        """Exit code, stdout, stderr, and whether C++ has been silenced."""
        stdout, stderr = io.StringIO(), io.StringIO()
        code = None
        with (
            mock.patch.object(quiet, "silence") as silence,
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            try:
                early.answer(words)
            except SystemExit as error:
                code = error.code
        written = stdout.getvalue(), stderr.getvalue()
        return code, *written, silence.called

    def test_help_ends_the_process(self):
        code, stdout, stderr, _ = self.answer("strip", "--help")
        self.assertEqual((code, stderr), (0, ""))
        self.assertStartsWith(stdout, "usage: keras-l0 strip")

    def test_misuse_ends_the_process(self):
        code, stdout, stderr, _ = self.answer("strip")
        self.assertEqual((code, stdout), (2, ""))
        self.assertStartsWith(stderr, "keras-l0: error: `strip` needs MODEL")

    def test_a_task_goes_on_in_silence(self):
        self.assertEqual(self.answer("inspect", "a"), (None, "", "", True))

    def test_traceback_is_loud(self):
        self.assertEqual(
            self.answer("inspect", "a", "--traceback"), (None, "", "", False)
        )


class ImportTest(absltest.TestCase):
    def test_what_it_imports_is_light(self):
        """Nothing at the top of these modules is TensorFlow or Keras."""
        loaded = [
            module
            for name, module in sys.modules.items()
            if name.startswith("keras_l0.cli.")
            and name.rpartition(".")[2] in _LIGHT
        ]
        self.assertLen(loaded, len(_LIGHT))
        for module in loaded:
            heavy = {"tf", "keras", "np", "tensorflow"} & set(vars(module))
            self.assertEmpty(heavy, module.__name__)


_LIGHT = (
    "command",
    "commands",
    "compare",
    "early",
    "export",
    "inspect",
    "latency",
    "main",
    "parsing",
    "paths",
    "quiet",
    "strip",
    "usage",
)

if __name__ == "__main__":
    absltest.main()
