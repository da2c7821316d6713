"""Tests of the help texts."""

from absl import flags
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import parsing
from keras_l0.cli import usage
from keras_l0.cli.command import Command
from keras_l0.cli.commands import COMMANDS

TEXT = """\
usage: keras-l0 paint WALL [flags]

Paints a wall.

Long words long words long words long words long words long words long words
long words.

    keras-l0 paint wall

arguments:
  WALL                    The wall.

flags:
  --color=NAME            Its color. Default: red.
  --gloss=matt|silky      How it shines. May be given several times.
  --coats=N               How often. Default: 0.
  --dry                   Wait.
  --nofast                Hurry.
  --json                  Print one JSON document instead of text.
  --traceback             Show TensorFlow's messages, and where an error comes
                          from."""


def define_flags(values):
    flags.DEFINE_string("color", "red", "Its color.", flag_values=values)
    flags.DEFINE_multi_enum(
        "gloss",
        None,
        ["matt", "silky"],
        "How it shines. May be given several times.",
        flag_values=values,
    )
    flags.DEFINE_integer("coats", 0, "How often.", flag_values=values)
    flags.DEFINE_boolean("dry", False, "Wait.", flag_values=values)
    flags.DEFINE_boolean("fast", True, "Hurry.", flag_values=values)


PAINT = Command(
    name="paint",
    summary="Paints a wall.",
    description=f"{'Long words ' + 'long words ' * 6}long\nwords.\n\n"
    "    keras-l0 paint wall\n",
    arguments={"WALL": "The wall."},
    define_flags=define_flags,
    run=None,
    metavars={"color": "NAME"},
)


class UsageTest(parameterized.TestCase):
    def test_text(self):
        flag_values = parsing.new_flags(PAINT)
        self.assertEqual(usage.command_help(PAINT, flag_values), TEXT)

    @parameterized.parameters(*COMMANDS)
    def test_every_flag_is_told_and_lines_fit(self, name):
        command = COMMANDS[name]
        flag_values = parsing.new_flags(command)
        text = usage.command_help(command, flag_values)
        for flag in flag_values:
            self.assertRegex(text, rf"(?m)^  --{flag}(=|\s)")
        for argument in command.arguments:
            self.assertRegex(text, rf"(?m)^  {argument}  ")
        self.assertLess(max(map(len, text.split("\n"))), 80)
        self.assertNotIn("repeat this option", text)

    def test_overview_fits(self):
        text = usage.overview(COMMANDS.values())
        self.assertLess(max(map(len, text.split("\n"))), 80)
        for command in COMMANDS.values():
            self.assertIn(command.summary, text)


if __name__ == "__main__":
    absltest.main()
