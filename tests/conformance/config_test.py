"""Tests that an object's config says all about it, and survives JSON."""

import copy
import inspect
import json

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import properties

PROPERTY = properties.Property(
    "config",
    (*descriptors.PARTS, *descriptors.MODELS, *descriptors.DISTRIBUTIONS),
    {"CALLBACKS": "Keras has no configs of callbacks"},
)
PARTS = descriptors.named(descriptors.PARTS)
# Arguments that a config holds under another name.
HELD_BY = {(keras_l0.L0Gate, "gate"): "gate_vector"}


def without_identities(config):
    """A config without what is no two objects' in common."""
    if isinstance(config, dict):
        return {
            key: without_identities(value)
            for key, value in config.items()
            if key != "shared_object_id"
        }
    if isinstance(config, (list, tuple)):
        return [without_identities(item) for item in config]
    return config


def arguments(cls):
    """The constructor's own arguments: name -> default."""
    signature = inspect.signature(cls.__init__)
    return {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if name != "self" and parameter.kind != parameter.VAR_KEYWORD
    }


class ConfigTest(test_util.TestCase):
    @parameterized.named_parameters(*PARTS)
    def test_config_makes_the_same_object(self, row):
        made = row.make()
        config = made.get_config()
        given = copy.deepcopy(config)
        other = type(made).from_config(given)
        self.assertEqual(given, config)  # It is not emptied on the way.
        self.assertIs(type(other), type(made))
        self.assertEqual(
            without_identities(other.get_config()), without_identities(config)
        )

    @parameterized.named_parameters(*PARTS)
    def test_serialized_object_survives_json(self, row):
        made = row.make()
        data = keras.saving.serialize_keras_object(made)
        self.assertStartsWith(data["registered_name"], "keras_l0>")
        read = json.loads(json.dumps(data))
        other = keras.saving.deserialize_keras_object(read)
        self.assertEqual(
            without_identities(keras.saving.serialize_keras_object(other)),
            without_identities(data),
        )

    @parameterized.named_parameters(*PARTS)
    def test_config_has_every_argument(self, row):
        cls = row.cls
        names = {HELD_BY.get((cls, name), name) for name in arguments(cls)}
        self.assertContainsSubset(names, row.make().get_config())

    def test_rows_leave_no_argument_at_its_default(self):
        for cls in {row.cls for row in descriptors.PARTS}:
            configs = [
                row.make().get_config()
                for row in descriptors.PARTS
                if row.cls is cls
            ]
            for name, default in arguments(cls).items():
                name = HELD_BY.get((cls, name), name)
                self.assertNotEmpty(
                    [c for c in configs if c[name] != default],
                    f"{cls.__name__}: {name}",
                )

    @parameterized.named_parameters(*descriptors.named(descriptors.MODELS))
    def test_config_of_a_model_makes_the_same_graph(self, row):
        config = row.model().get_config()
        other = row.cls.from_config(copy.deepcopy(config))
        self.assertEqual(
            without_identities(other.get_config()), without_identities(config)
        )

    @parameterized.named_parameters(
        *descriptors.named(descriptors.DISTRIBUTIONS)
    )
    def test_parameters_make_the_same_distribution(self, row):
        gate = row.make()
        names = set(arguments(type(gate))) - {"name"}
        self.assertContainsSubset(names, gate.parameters)
        other = type(gate)(**gate.parameters)
        x = np.array([[-0.05], [0.0], [0.4], [1.0]], "float32")
        self.assertAllEqual(other.cdf(x), gate.cdf(x))


if __name__ == "__main__":
    absltest.main()
