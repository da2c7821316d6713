"""Tests that a config that was tampered with is taken or refused by name."""

import copy
import json
import random

import keras
from absl.testing import absltest
from absl.testing import parameterized

from tests import descriptors
from tests import test_util

# Of each class so many configs, from one seed.
TRIALS = 20
VALUES = (
    "x",
    "",
    b"x",
    3,
    -1,
    0,
    -0.5,
    float("nan"),
    float("inf"),
    -float("inf"),
    1e300,
    1e-300,
    10**30,
    None,
    True,
    [],
    [1],
    {},
    {"a": 1},
    {"class_name": "Nope", "config": {}},
)
# What Keras' own classes read, or keep without a check.
OF_KERAS = {
    "L0Gate": ("dtype",),
    "GatedOptimizer": ("loss_scale_factor",),
}


def spared(cls, key):
    """Whether a key is not this test's business."""
    return key in OF_KERAS.get(cls.__name__, ())


def changed(config, generator):
    """A copy of a config with one change, and the key that was changed."""
    config = copy.deepcopy(config)
    key = generator.choice([*config, "unknown"])
    if generator.random() < 0.1:
        config.pop(key, None)
    else:
        config[key] = copy.deepcopy(generator.choice(VALUES))
    return config, key


class ConfigFuzzTest(test_util.TestCase):
    def assert_valid(self, made):
        config = made.get_config()
        json.dumps(keras.saving.serialize_keras_object(made), allow_nan=False)
        type(made).from_config(copy.deepcopy(config))

    @parameterized.named_parameters(*descriptors.named(descriptors.PARTS))
    def test_changed_config(self, row):
        cls, original = row.cls, row.make().get_config()
        generator = random.Random(f"{test_util.test_seed()} {row.name}")
        for _ in range(TRIALS):
            config, key = changed(original, generator)
            if spared(cls, key):
                continue
            with self.subTest(key=key, config=config):
                try:
                    made = cls.from_config(config)
                except (TypeError, ValueError) as error:
                    self.assertIn(key, str(error))
                else:
                    self.assert_valid(made)

    def test_schedule_that_is_none_is_named(self):
        for row in descriptors.GATES:
            config = row.make().get_config()
            for key in config:
                config[key], kept = (
                    {"class_name": "X", "config": {}},
                    config[key],
                )
                with self.assertRaisesRegex(TypeError, f"`{key}` cannot be"):
                    row.cls.from_config(config)
                config[key] = kept


if __name__ == "__main__":
    absltest.main()
