"""Tests of reading objects from configs."""

import keras
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.internal import config_parts
from tests import test_util


class DeserializedTest(test_util.TestCase):
    def test_object_is_built_and_the_config_stays(self):
        layer = keras.layers.Dense(3, name="dense")
        config = {"layer": keras.saving.serialize_keras_object(layer)}
        for _ in range(2):
            made = config_parts.deserialized(config, "layer")
            self.assertEqual(made.get_config(), layer.get_config())

    def test_custom_objects(self):
        class Own(keras.layers.Dense):
            pass

        config = {"layer": keras.saving.serialize_keras_object(Own(3))}
        made = config_parts.deserialized(config, "layer", {"Own": Own})
        self.assertIsInstance(made, Own)

    @parameterized.parameters(
        ({}, ValueError, "lacks `layer`"),
        ({"layer": 3}, TypeError, r"`layer` must be.*Received: layer=3 \(int"),
        ({"layer": None}, TypeError, "`layer` must be"),
        ({"layer": {}}, TypeError, "`layer` must be"),
        ({"layer": {"a": 1}}, TypeError, "`layer` must be"),
        (
            {"layer": {"class_name": "Nope", "config": {}}},
            TypeError,
            "`layer` cannot be read.*Nope",
        ),
        (
            {
                "layer": {
                    "module": "keras.layers",
                    "class_name": "Dense",
                    "config": {"units": -3},
                    "registered_name": None,
                }
            },
            (TypeError, ValueError),
            "`layer` cannot be read.*units",
        ),
    )
    def test_what_is_no_object_is_named(self, config, kind, words):
        with self.assertRaisesRegex(kind, f"(?s){words}"):
            config_parts.deserialized(config, "layer")


if __name__ == "__main__":
    absltest.main()
