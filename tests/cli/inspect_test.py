"""Tests of `keras-l0 inspect`."""

import keras
from absl.testing import absltest

import keras_l0
from tests.cli import command_case
from tests.export import models


class InspectTest(command_case.CommandCase):
    def test_gated_model(self):
        model = self.save_gated()
        found = self.document("inspect", "gated.keras")
        small = keras_l0.strip_gates(model)
        self.assertEqual(found["name"], "images")
        self.assertEqual(
            [(row["gates"], row["open"]) for row in found["gates"]],
            [(6, 4), (9, 6)],
        )
        self.assertEqual(found["strip"]["params_after"], small.count_params())
        self.assertIsNone(found["sites"])

    def test_model_without_gates(self):
        keras_l0.strip_gates(models.gated_image_model()).save("plain.keras")
        found = self.document("inspect", "plain.keras")
        self.assertEqual(
            [(s["layer"], s["units"], s["reason"]) for s in found["sites"]],
            [("Conv2D", 4, None), ("Dense", 6, None), ("Dense", 3, "OUTPUT")],
        )
        self.assertIsNone(found["gates"])
        self.assertIsNone(found["strip"])

    def test_saved_model_is_not_run(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        # What is broken can be looked at, but not loaded.
        with open("saved/variables/variables.data-00000-of-00001", "wb"):
            pass
        found = self.document("inspect", "saved")
        self.assertEqual(found["format"], "saved_model")
        self.assertEqual(found["inputs"][0]["shape"], [None, 5])
        text = self.answer("inspect", "saved")
        self.assertRegex(text, r"input .*\(None, 5\) +int32")
        self.assertRegex(text, "inspect the `.keras` file")


class BadInputTest(command_case.CommandCase):
    def test_files(self):
        with open("text.keras", "w") as file:
            file.write("text")
        model = keras.Sequential([keras.Input((2,))])
        model.add(keras.layers.Lambda(lambda x: x))
        model.save("lambda.keras")
        for path, words in (
            ("text.keras", "MODEL is not a Keras file"),
            ("text.kers", "Did you mean `text.keras`"),
            ("lambda.keras", "MODEL holds a Python lambda"),
            (".", "MODEL is a folder, but not a SavedModel"),
        ):
            self.assert_refuses(1, words, "inspect", path)


if __name__ == "__main__":
    absltest.main()
