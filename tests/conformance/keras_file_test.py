"""Tests that a `.keras` file goes on exactly where the model was."""

import pathlib

import keras
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import copies
from tests.conformance import properties

PROPERTY = properties.Property(
    "keras_file",
    descriptors.TRAINED,
    {
        "CALLBACKS": properties.WATCHES,
        "DISTRIBUTIONS": properties.NO_KERAS_OBJECT,
    },
)


class KerasFileTest(test_util.TestCase):
    def path(self):
        return pathlib.Path(self.create_tempdir().full_path) / "model.keras"

    @parameterized.named_parameters(*PROPERTY.named)
    def test_loaded_model_resumes_training(self, row):
        model = copies.trained(row)
        path = self.path()
        model.save(path)
        other = keras.saving.load_model(path)
        other.run_eagerly = True
        copies.check_same(self, model, other)
        self.assertEqual(copies.step(other), copies.step(model))
        copies.check_same(self, model, other)

    @parameterized.named_parameters(*descriptors.named(descriptors.ROWS))
    def test_users_subclass_needs_its_name_and_nothing_else(self, row):
        made = row.make()
        cls = type(made)
        mine = type("Mine", (cls,), {"__module__": "elsewhere"})
        layer = row.layer(mine.from_config(made.get_config()))
        model = keras.Sequential([keras.Input((4,)), layer])
        if getattr(made, "needs_model", False):
            model = keras_l0.L0Model.from_model(model)
        path, x = self.path(), descriptors.inputs()
        model.save(path)
        with self.assertRaisesRegex(TypeError, "Mine"):
            keras.saving.load_model(path)
        by_argument = keras.saving.load_model(path, {"Mine": mine})
        with keras.saving.custom_object_scope({"Mine": mine}):
            by_scope = keras.saving.load_model(path)
        for other in (by_argument, by_scope):
            self.assertAllEqual(
                other(x, training=True), model(x, training=True)
            )
            for vector in keras_l0.layers.gate_vectors(model).values():
                vector.seed_generator.state.assign_sub([0, 1])


if __name__ == "__main__":
    absltest.main()
