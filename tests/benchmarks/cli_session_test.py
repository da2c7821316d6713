"""Tests of the program that writes docs/cli.md, on cheap commands."""

import pathlib

from absl.testing import absltest

from benchmarks import cli_session
from keras_l0.cli.commands import COMMANDS
from tests import test_util


class SessionTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = pathlib.Path(self.create_tempdir().full_path)
        cli_session.install(self.folder)

    def test_transcript_is_what_the_shell_shows(self):
        lines = ("echo 'a  b'", "false", "echo $?", "ls none 1>&2 2>/dev/null")
        self.assertEqual(
            cli_session.transcript(lines, self.folder),
            "$ echo 'a  b'\na  b\n$ false\n$ echo $?\n1\n"
            "$ ls none 1>&2 2>/dev/null\n",
        )

    def test_the_command_is_found(self):
        shown = cli_session.transcript(["keras-l0 --version"], self.folder)
        self.assertRegex(shown, r"(?m)^keras-l0 \d+\.\d+\.\d+")

    def test_page(self):
        scene = cli_session.Scene("Title", "Text.", ("echo a", "echo b"))
        self.assertEndsWith(
            cli_session.page([scene], self.folder),
            "\n## Title\n\nText.\n\n```\n$ echo a\na\n\n$ echo b\nb\n```\n",
        )

    def test_page_names_no_folder_of_the_machine(self):
        scene = cli_session.Scene("", "", ("pwd",))
        with self.assertRaisesRegex(ValueError, "folder of this machine"):
            cli_session.page([scene], self.folder)

    def test_every_command_is_shown(self):
        lines = [line for scene in cli_session.SCENES for line in scene.lines]
        for name in COMMANDS:
            self.assertTrue(any(f"keras-l0 {name} " in x for x in lines), name)

    def test_files_of_the_session(self):
        cli_session.prepare(self.folder, 1, 0)
        content = (self.folder / "gated.keras").read_bytes()
        half = (self.folder / "truncated.keras").read_bytes()
        self.assertEqual(half, content[: len(content) // 2])
        for name in ("dense", "lambda", "notes"):
            self.assertTrue((self.folder / f"{name}.keras").is_file(), name)


if __name__ == "__main__":
    absltest.main()
