"""Tests of the entry of the command line: exit codes, messages, streams."""

import io
import json
import os
import pathlib
import subprocess
import sys
from unittest import mock

from absl.testing import absltest

import keras_l0
from keras_l0.cli import main
from keras_l0.cli import parsing
from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from tests.cli import command_case

HAS_EARLY = "early" in pathlib.Path(keras_l0.__file__).read_text()


def command(run):
    return Command("probe", "", "", {}, lambda flag_values: None, run)


def raises(error):
    def run(request):
        raise error

    return command(run)


class MainTest(command_case.CommandCase):
    def call(self, probe, *argv):
        with mock.patch.dict(parsing.COMMANDS, {"probe": probe}):
            return command_case.run("probe", *argv)

    def test_text_and_json(self):
        probe = command(lambda request: Answer("text", {"a": [1, 2.5]}))
        self.assertEqual(self.call(probe), (0, "text\n", ""))
        code, stdout, _ = self.call(probe, "--json")
        self.assertEqual((code, json.loads(stdout)), (0, {"a": [1, 2.5]}))

    def test_json_has_null_for_what_is_not_finite(self):
        values = {"a": (float("nan"), {"b": -float("inf")}), "c": 1.0}
        probe = command(lambda request: Answer("", values))
        _, stdout, _ = self.call(probe, "--json")
        self.assertEqual(
            json.loads(stdout), {"a": [None, {"b": None}], "c": 1.0}
        )

    def test_what_the_work_prints_is_dropped(self):
        def noisy(request):
            print("noise")
            print("noise", file=sys.stderr)
            os.write(2, b"noise")
            return Answer("text", {})

        self.assertEqual(self.call(command(noisy)), (0, "text\n", ""))

    def test_errors_of_the_task(self):
        for error in (ValueError("bad"), OSError("bad"), TypeError("bad")):
            self.assertEqual(
                self.call(raises(error)), (1, "", "keras-l0: error: bad\n")
            )

    def test_unexpected_error_names_its_class(self):
        code, stdout, stderr = self.call(raises(KeyError("k")))
        self.assertEqual((code, stdout), (1, ""))
        self.assertRegex(stderr, "error: Unexpected KeyError: 'k'.*--traceback")
        self.assertNotIn("Traceback", stderr)

    def test_traceback_on_demand(self):
        _, _, stderr = self.call(raises(ValueError("bad")), "--traceback")
        self.assertRegex(stderr, "(?s)^Traceback.*in run.*error: bad\n$")

    def test_interrupt(self):
        code, stdout, stderr = self.call(raises(KeyboardInterrupt()))
        self.assertEqual((code, stdout), (130, ""))
        self.assertEqual(stderr, "keras-l0: error: Interrupted.\n")

    def test_names_of_flags_are_written_as_flags(self):
        _, _, stderr = self.call(raises(ValueError("`json` or `other`")))
        self.assertIn("`--json` or `other`", stderr)

    def test_misuse_names_the_help(self):
        for argv, line in (
            ((), "keras-l0 --help"),
            (("nothing",), "keras-l0 --help"),
            (("strip",), "keras-l0 strip --help"),
        ):
            code, stdout, stderr = command_case.run(*argv)
            self.assertEqual((code, stdout), (2, ""))
            self.assertEndsWith(stderr, f"\nSee `{line}`.\n")

    def test_a_reader_who_leaves_is_no_error(self):
        class Closed(io.StringIO):
            def write(self, text):
                raise BrokenPipeError

            def fileno(self):
                return os.open(os.devnull, os.O_WRONLY)

        with mock.patch.object(sys, "stdout", Closed()):
            self.assertEqual(main.main(["--help"]), 0)


class ProcessTest(command_case.CommandCase):
    def start(self, *argv):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            [sys.executable, "-m", "keras_l0", *argv],
            env=environment,
            capture_output=True,
            text=True,
        )

    def test_json_and_nothing_else_on_stdout(self):
        self.save_gated()
        done = self.start("inspect", "gated.keras", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["name"], "images")

    @absltest.skipUnless(HAS_EARLY, "keras_l0 does not import cli.early")
    def test_terminal_is_quiet_and_slips_need_no_tensorflow(self):
        with mock.patch.dict(os.environ):
            os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
            done = self.start("inspect", "none.keras")
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(
                done.stderr,
                "keras-l0: error: MODEL does not exist. Received: none.keras\n",
            )
            # An import that fails shows whether it is tried.
            os.mkdir("tensorflow")
            with open("tensorflow/__init__.py", "w") as file:
                file.write("raise RuntimeError")
            for argv, code in (("--help",), 0), (("strip", "a"), 2):
                self.assertEqual(self.start(*argv).returncode, code)
            self.assertIn("RuntimeError", self.start("inspect", "a").stderr)

    def test_exit_code_and_message(self):
        done = self.start("strip", "gated.keras")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, "keras-l0: error: `strip` needs MODEL")


if __name__ == "__main__":
    absltest.main()
