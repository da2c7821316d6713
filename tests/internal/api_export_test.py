"""Tests of the registration under the package's name."""

import keras
from absl.testing import absltest

import keras_l0
from keras_l0.internal import api_export
from tests import test_util


class ApiExportTest(test_util.TestCase):
    def test_class_is_found_by_its_registered_name(self):
        @api_export.keras_l0_export
        class Made:
            def get_config(self):
                return {}

            @classmethod
            def from_config(cls, config):
                return cls(**config)

        self.assertEqual(Made.__name__, "Made")
        data = keras.saving.serialize_keras_object(Made())
        self.assertEqual(data["registered_name"], "keras_l0>Made")
        self.assertIs(keras.saving.get_registered_object("keras_l0>Made"), Made)
        found = keras.saving.deserialize_keras_object(data)
        self.assertIsInstance(found, Made)

    def test_public_classes_are_registered(self):
        for cls in (
            keras_l0.L0Gate,
            keras_l0.GateVector,
            keras_l0.gates.HardConcrete,
        ):
            self.assertEqual(
                keras.saving.get_registered_name(cls),
                f"keras_l0>{cls.__name__}",
            )


if __name__ == "__main__":
    absltest.main()
