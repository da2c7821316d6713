"""Tests of the loading of model files, good and bad."""

import os
import zipfile

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.cli import loading
from keras_l0.cli.command import TaskError
from tests.cli import command_case
from tests.export import models


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class LoadModelTest(command_case.CommandCase):
    def load(self, path):
        return loading.load_model("MODEL", path, "there is nothing to do")

    def assert_refuses_file(self, words, path):
        with self.assertRaisesRegex(TaskError, words) as caught:
            self.load(path)
        self.assertEndsWith(str(caught.exception), f"Received: {path}")
        self.assertNotIn("\n", str(caught.exception))

    @parameterized.parameters("gated.keras", "gated.h5")
    def test_loads_gates(self, path):
        model = self.save_gated(path)
        loaded = self.load(path)
        images = self.save_images(4)
        self.assertAllEqual(
            loaded(images, training=False), model(images, training=False)
        )

    def test_text(self):
        for path in ("text.keras", "text.h5"):
            write(path, b"This is no model.")
        self.assert_refuses_file("not a Keras file.*zip", "text.keras")
        self.assert_refuses_file("damaged, or not a Keras file", "text.h5")

    def test_empty(self):
        write("empty.keras", b"")
        self.assert_refuses_file("not a Keras file", "empty.keras")

    def test_zip_of_something_else(self):
        with zipfile.ZipFile("other.keras", "w") as archive:
            archive.writestr("readme.txt", "x")
        self.assert_refuses_file(
            "holds no config.json, metadata.json, model.weights.h5",
            "other.keras",
        )

    @parameterized.parameters("config.json", "metadata.json")
    def test_archive_without_a_part(self, part):
        self.save_gated()
        with (
            zipfile.ZipFile("gated.keras") as source,
            zipfile.ZipFile("part.keras", "w") as target,
        ):
            for name in source.namelist():
                if name != part:
                    target.writestr(name, source.read(name))
        self.assert_refuses_file(f"holds no {part}. ", "part.keras")

    def test_truncated(self):
        for path in ("gated.keras", "gated.h5"):
            self.save_gated(path)
            content = read(path)
            write(path, content[: len(content) // 2])
        self.assert_refuses_file("or only a part of one", "gated.keras")
        self.assert_refuses_file("damaged", "gated.h5")

    def test_corrupt(self):
        self.save_gated()
        content = bytearray(read("gated.keras"))
        middle = len(content) // 2  # in the weights
        content[middle : middle + 8] = bytes(
            255 - byte for byte in content[middle : middle + 8]
        )
        write("gated.keras", content)
        self.assert_refuses_file("damaged", "gated.keras")

    def test_corrupt_list_of_members(self):
        self.save_gated()
        content = bytearray(read("gated.keras"))
        content[content.rindex(b"PK\1\2")] ^= 1
        write("gated.keras", content)
        self.assert_refuses_file("damaged, or not a Keras file", "gated.keras")

    def test_config_that_is_no_json(self):
        self.save_gated()
        with (
            zipfile.ZipFile("gated.keras") as source,
            zipfile.ZipFile("bad.keras", "w") as target,
        ):
            for name in source.namelist():
                bad = b"{" if name == "config.json" else source.read(name)
                target.writestr(name, bad)
        self.assert_refuses_file("MODEL cannot be loaded", "bad.keras")

    @parameterized.parameters("lambda.keras", "lambda.h5")
    def test_lambda_is_not_run(self, path):
        marker = os.path.abspath("run")

        def evil(x):
            open(marker, "w").close()
            return x

        model = keras.Sequential([keras.Input((2,))])
        model.add(keras.layers.Lambda(lambda x: evil(x)))
        model.save(path)
        os.remove(marker)
        self.assert_refuses_file(
            "holds a Python lambda.*never run.*in place of the `Lambda`", path
        )
        self.assertFalse(os.path.exists(marker))

    def test_lambda_of_a_known_function_is_loaded(self):
        model = keras.Sequential([keras.Input((2,))])
        model.add(keras.layers.Lambda(keras.ops.relu))
        model.save("relu.keras")
        loaded = self.load("relu.keras")
        self.assertAllEqual(loaded(np.array([[-1.0, 1.0]])), [[0.0, 1.0]])

    def test_unknown_class(self):
        class Unknown(keras.layers.Layer):
            def call(self, inputs):
                return inputs

        keras.Sequential([keras.Input((2,)), Unknown()]).save("unknown.keras")
        self.assert_refuses_file("uses `Unknown`, which", "unknown.keras")

    def test_saved_model(self):
        os.makedirs("saved")
        write("saved/saved_model.pb", b"")
        self.assert_refuses_file(
            "keeps no layers: there is nothing to do. Give the `.keras`",
            "saved",
        )

    def test_missing(self):
        self.assert_refuses_file("MODEL does not exist", "none.keras")

    def test_is_not_compiled(self):
        model = models.gated_image_model()
        model.compile("adam", "mse")
        model.save("compiled.keras")
        self.assertFalse(self.load("compiled.keras").compiled)


if __name__ == "__main__":
    absltest.main()
