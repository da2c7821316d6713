"""Tests of what a command is."""

from absl.testing import absltest

from keras_l0.cli.command import Answer
from keras_l0.cli.command import Command
from keras_l0.cli.command import Request
from keras_l0.cli.commands import COMMANDS


class CommandTest(absltest.TestCase):
    def test_nothing_needs_to_be_checked(self):
        command = Command(
            "a", "b", "c", {}, None, lambda request: Answer("", {})
        )
        self.assertIsNone(command.check(Request({}, {})))
        self.assertEqual(command.metavars, {})

    def test_commands_are_known_by_their_names(self):
        self.assertEqual(
            [command.name for command in COMMANDS.values()], list(COMMANDS)
        )
        self.assertLen(COMMANDS, 5)


if __name__ == "__main__":
    absltest.main()
