"""Tests of the examples' flags."""

from absl import flags
from absl.testing import absltest
from absl.testing import parameterized

from examples import options
from tests import test_util

DEFAULTS = options.Options(
    l0=(0.1, 0.2), epochs=5, fine_tune_epochs=1, gate_learning_rate=0.1
)


def parse(*arguments):
    values = flags.FlagValues()
    options.define_flags(DEFAULTS, values)
    values(["program", *arguments])
    return options.parsed_options(DEFAULTS, values)


class OptionsTest(test_util.TestCase):
    def test_without_flags_the_defaults_hold(self):
        self.assertEqual(parse(), DEFAULTS)

    def test_flags_are_taken(self):
        self.assertEqual(
            parse(
                "--l0=1,2e-3",
                "--epochs=7",
                "--fine_tune_epochs=0",
                "--gate_learning_rate=0.5",
                "--dataset=mnist",
                "--batch_size=32",
                "--learning_rate=0.01",
                "--seed=3",
                "--output_dir=elsewhere",
                "--quick",
            ),
            options.Options(
                l0=(1.0, 2e-3),
                epochs=7,
                fine_tune_epochs=0,
                gate_learning_rate=0.5,
                dataset="mnist",
                batch_size=32,
                learning_rate=0.01,
                seed=3,
                output_dir="elsewhere",
                quick=True,
            ),
        )

    def test_one_price_is_for_all_layers(self):
        self.assertEqual(parse("--l0=0.3").l0, (0.3, 0.3))

    @parameterized.parameters(
        ("--l0=-1", "--l0=.*one number, or 2 of them"),
        ("--l0=1,2,3", "--l0=.*one number, or 2 of them"),
        ("--l0=a", "--l0=.*one number, or 2 of them"),
        ("--l0=nan", "--l0=.*one number, or 2 of them"),
        ("--l0=inf", "--l0=.*one number, or 2 of them"),
        ("--l0=", "--l0=.*one number, or 2 of them"),
        ("--epochs=0", "--epochs=0"),
        ("--batch_size=0", "--batch_size=0"),
        ("--learning_rate=-1", "--learning_rate=-1"),
        ("--gate_learning_rate=-1", "--gate_learning_rate=-1"),
        ("--fine_tune_epochs=-1", "--fine_tune_epochs=-1"),
        ("--dataset=svhn", "--dataset=svhn.*digits"),
    )
    def test_bad_values_are_refused(self, argument, words):
        with self.assertRaisesRegex(flags.IllegalFlagValueError, words):
            parse(argument)


if __name__ == "__main__":
    absltest.main()
