"""Tests that damaged model files are refused, and break nothing."""

import os
import random

import keras
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.cli import loading
from keras_l0.cli.command import TaskError
from tests import test_util
from tests.cli import command_case

TRIALS = 40


def truncated(content, generator):
    return content[: generator.randrange(len(content))]


def with_flipped_bits(content, generator):
    content = bytearray(content)
    for _ in range(generator.choice([1, 1, 8])):
        content[generator.randrange(len(content))] ^= 1 << generator.randrange(
            8
        )
    return bytes(content)


def with_zeros(content, generator):
    start = generator.randrange(len(content))
    size = min(512, len(content) - start)
    return content[:start] + bytes(size) + content[start + size :]


def saved(path):
    """Content of the file of a small model with gates."""
    inputs = keras.Input((4,))
    hidden = keras_l0.L0Gate(keras.layers.Dense(6), l0=0.1)(inputs)
    keras_l0.L0Model(inputs, keras.layers.Dense(2)(hidden)).save(path)
    with open(path, "rb") as file:
        return file.read()


class DamagedFilesTest(command_case.CommandCase):
    # Of .h5 files only parts: they have no checksums, and the HDF5 library
    # can follow a wrong address in circles.
    @parameterized.parameters(
        (truncated, "model.keras"),
        (with_flipped_bits, "model.keras"),
        (with_zeros, "model.keras"),
        (truncated, "model.h5"),
    )
    def test_damage_is_told_in_one_line(self, damage, path):
        content = saved(path)
        generator = random.Random(f"{test_util.test_seed()} {damage.__name__}")
        refused = 0
        for trial in range(TRIALS):
            with open(path, "wb") as file:
                file.write(damage(content, generator))
            try:
                loading.load_model("MODEL", path, "nothing")
            except TaskError as error:
                refused += 1
                self.assertNotIn("\n", str(error), trial)
                self.assertStartsWith(str(error), "MODEL ")
                self.assertEndsWith(str(error), f"Received: {path}")
        # A bit may be one that nobody reads; a part of a file never does.
        least = TRIALS if damage is truncated else 1
        self.assertGreaterEqual(refused, least)

    def test_command_says_so_without_a_traceback(self):
        content = saved("model.keras")
        generator = random.Random(test_util.test_seed())
        for _ in range(4):
            with open("model.keras", "wb") as file:
                file.write(truncated(content, generator))
            self.assert_refuses(
                1,
                r"^keras-l0: error: MODEL is .* Received: model.keras\n$",
                "inspect",
                "model.keras",
            )
        self.assertEqual(os.listdir("."), ["model.keras"])


if __name__ == "__main__":
    absltest.main()
