"""Tests of settings that are flags."""

import dataclasses

from absl import app
from absl import flags
from absl.testing import absltest
from absl.testing import parameterized

from examples import settings as common
from tests import test_util


@dataclasses.dataclass(frozen=True)
class Settings(common.Settings):
    fruit: str = common.flag("pear", "What to eat.", ("pear", "plum"))
    share: float = common.flag(0.5, "How much.", least=0, most=1)
    peeled: bool = common.flag(True, "Whether it is peeled.")


DEFAULTS = Settings(output_dir="here", epochs=7)


def parse(*arguments):
    values = flags.FlagValues()
    common.define_flags(DEFAULTS, values)
    return common.parsed(DEFAULTS, values(["program", *arguments]), values)


class SettingsTest(test_util.TestCase):
    def test_without_flags_the_defaults_hold(self):
        self.assertEqual(parse(), DEFAULTS)

    def test_flags_are_taken(self):
        self.assertEqual(
            parse("--fruit=plum", "--share=1e-3", "--nopeeled", "--epochs=2"),
            Settings(
                output_dir="here",
                epochs=2,
                fruit="plum",
                share=1e-3,
                peeled=False,
            ),
        )

    def test_every_flag_has_a_text(self):
        values = flags.FlagValues()
        common.define_flags(DEFAULTS, values)
        self.assertEqual(values["share"].help, "How much.")
        self.assertEqual(
            sorted(values), sorted(f.name for f in dataclasses.fields(Settings))
        )

    @parameterized.parameters(
        "--fruit=apple",
        "--share=-1",
        "--share=1.01",
        "--share=much",
        "--epochs=0",
        "--epochs=1.5",
        "--gate_epochs=1",
        "--batch_size=0",
    )
    def test_bad_values_are_refused(self, argument):
        with self.assertRaisesRegex(flags.IllegalFlagValueError, argument):
            parse(argument)

    def test_words_on_the_command_line(self):
        with self.assertRaisesRegex(app.UsageError, r"Received: \['plum'\]"):
            parse("plum")


if __name__ == "__main__":
    absltest.main()
