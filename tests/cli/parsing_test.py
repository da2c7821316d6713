"""Tests of the reading of command lines."""

from absl import flags
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import parsing
from keras_l0.cli.command import UsageError
from keras_l0.version import __version__

COMMANDS = ["inspect", "strip", "export", "compare", "latency"]


class ParseTest(parameterized.TestCase):
    def test_arguments_and_flags_in_any_order(self):
        command, request = parsing.parse(
            ["strip", "--round_to=8", "a.keras", "--dry_run", "b.keras"]
        )
        self.assertEqual(command.name, "strip")
        self.assertEqual(
            request.arguments, {"MODEL": "a.keras", "OUT": "b.keras"}
        )
        self.assertEqual(request.options["round_to"], 8)
        self.assertIs(request.options["dry_run"], True)
        self.assertIs(request.options["overwrite"], False)
        self.assertIsNone(request.options["include"])

    def test_repeated_flags_are_a_list(self):
        _, request = parsing.parse(
            ["strip", "a", "b", "--include=x,y", "--include", "z"]
        )
        self.assertEqual(request.options["include"], ["x,y", "z"])

    def test_what_follows_two_dashes_is_no_flag(self):
        _, request = parsing.parse(["inspect", "--", "--help"])
        self.assertEqual(request.arguments, {"MODEL": "--help"})

    def test_calls_do_not_share_flags(self):
        parsing.parse(["strip", "a", "b", "--dry_run"])
        _, request = parsing.parse(["strip", "a", "b"])
        self.assertIs(request.options["dry_run"], False)

    def test_the_flags_of_the_process_are_left_alone(self):
        parsing.parse(["latency", "a"])
        for name in ("widths", "round_to", "traceback", "calibration"):
            self.assertNotIn(name, flags.FLAGS)

    @parameterized.parameters("--help", "-h", "help")
    def test_help(self, word):
        text = parsing.parse([word])
        for name in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {name}  ")

    @parameterized.parameters(
        (["strip", "--help"],), (["strip", "a", "-h"],), (["help", "strip"],)
    )
    def test_help_of_a_command(self, argv):
        self.assertStartsWith(
            parsing.parse(argv), "usage: keras-l0 strip MODEL OUT [flags]\n"
        )

    def test_version(self):
        self.assertEqual(
            parsing.parse(["--version"]), f"keras-l0 {__version__}"
        )

    @parameterized.parameters(
        ([], "^No command. Expected one of: inspect, strip, .*latency.$"),
        (["stirp"], "^Unknown command. Did you mean `strip`.*Received: stirp$"),
        (["help", "stirp"], "^Unknown command. Did you mean `strip`"),
        (["x"], "^Unknown command. Expected one of: inspect, .*Received: x$"),
        (["--json", "inspect"], "^Unknown flag before the command"),
        (["strip"], "^`strip` needs MODEL and OUT. MODEL is missing.$"),
        (["strip", "a"], "^`strip` needs MODEL and OUT. OUT is missing.$"),
        (["inspect", "a", "b"], "^`inspect` takes MODEL only. Received: a b$"),
        (["inspect", ""], "^MODEL must not be empty.$"),
        (
            ["strip", "a", "b", "--dry-run"],
            "^Unknown flag of `strip`. Did you mean `--dry_run`. "
            "Received: --dry-run$",
        ),
        (["strip", "a", "b", "--zzz"], "^Unknown flag of `strip`. Received: "),
        (["strip", "--hepl"], "Did you mean `--help`"),
        (
            ["strip", "a", "b", "--min_units=1.5"],
            "^`--min_units` must be an integer. Received: 1.5$",
        ),
        (
            ["strip", "a", "b", "--min_units=-1"],
            "^`--min_units` must be a non-negative integer. Received: -1$",
        ),
        (
            ["strip", "a", "b", "--round_to=0"],
            "^`--round_to` must be a positive integer. Received: 0$",
        ),
        (
            ["export", "a", "b", "--quantize=int4"],
            "^`--quantize` must be one of: float16, dynamic_range, int8. "
            "Received: int4$",
        ),
        (
            ["compare", "a", "b", "--quantize=int4"],
            "^`--quantize` must be one of: float16, .* Received: int4$",
        ),
        (["strip", "a", "b", "--dry_run=x"], "^`--dry_run`: .*Received: x$"),
        (["strip", "a", "b", "--round_to"], "Missing value for flag"),
    )
    def test_misuse_raises(self, argv, words):
        with self.assertRaisesRegex(UsageError, words):
            parsing.parse(argv)


if __name__ == "__main__":
    absltest.main()
