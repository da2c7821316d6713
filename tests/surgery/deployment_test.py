"""What is written is read where keras_l0 is not installed.

Names in a new process start from scratch: what a model of this process avoids
by chance may collide there.
"""

import pathlib
import subprocess
import sys

import keras
import numpy as np
from absl.testing import absltest
from keras import layers
from keras import ops

import keras_l0
from tests.surgery import random_values
from tests.surgery.strip_test_case import StripTestCase
from tests.surgery.strip_test_case import outputs

ROOT = pathlib.Path(__file__).absolute().parents[2]

LOAD_WITHOUT = """
import sys
sys.modules["keras_l0"] = None
import keras, numpy
folder = sys.argv[1]
data = numpy.load(folder + "/data.npz")
for name in data.files:
    if name.endswith(".x"):
        model = keras.saving.load_model(folder + "/" + name[:-2] + ".keras")
        y = model(data[name], training=False)
        difference = numpy.abs(keras.ops.convert_to_numpy(y) - data[name[:-2]])
        assert difference.max() <= 1e-5 * numpy.abs(data[name[:-2]]).max(), name
        del model
"""

# The adapters' operations are the first of their kind in this process.
STRIP_LOADED = """
import sys
import keras, numpy
import keras_l0
folder = sys.argv[1]
data = numpy.load(folder + "/data.npz")
gated = keras.saving.load_model(folder + "/names_gated.keras")
small = keras_l0.strip_gates(gated)
names = [operation.name for operation in small.operations]
assert len(set(names)) == len(names), names
difference = numpy.abs(
    keras.ops.convert_to_numpy(small(data["names.x"])) - data["names"])
assert difference.max() <= 1e-5 * numpy.abs(data["names"]).max()
again = keras_l0.strip_gates(small)
small.save(folder + "/again.keras")
keras.saving.load_model(folder + "/again.keras")
"""


class DeploymentTest(StripTestCase):
    policy = "float32"

    def run_python(self, program, folder):
        done = subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        self.assertEqual(done.returncode, 0, done.stderr[-3000:])

    def networks(self):
        yield "image", self.image()
        yield "names", self.names()

    def image(self):
        x = keras.Input((6, 6, 2))
        conv = layers.Conv2D(5, 3, padding="same", activation="softplus")
        y = self.gate(conv, [0, 1, 0.3, 0, 1])(x)
        z = layers.BatchNormalization()(y)
        z = layers.Conv2D(5, 3, padding="same")(layers.PReLU()(z))
        z = self.gate(layers.Identity(), [1, 0, 0, 0.3, 1])(z)
        y = layers.Concatenate()([layers.Add()([y, z]), y])
        y = layers.LayerNormalization()(y)
        inner = keras.Sequential(
            [
                keras.Input((6, 6, 10)),
                layers.GlobalAveragePooling2D(),
                self.gate(layers.Dense(4, activation="gelu"), [0, 1, 0.3, 1]),
            ]
        )
        return self.finish(x, layers.Softmax()(inner(y)))

    def names(self):
        """Layers and operations that are called as adapters will be."""
        x = keras.Input((5,))
        y = self.gate(layers.Dense(4, name="pad"), [1, 0, 0.3, 0])(x)
        y = layers.LayerNormalization(name="take_7")(y)
        y = self.gate(layers.Dense(4, name="subtract"), [1, 0, 0.3, 0])(y)
        y = ops.take(y, np.array([1, 0, 3, 2]), axis=-1)
        y = ops.multiply(y, 2.0)
        return self.finish(x, layers.Softmax(name="multiply_7")(y))

    def test_files(self):
        folder = pathlib.Path(self.create_tempdir().full_path)
        data = {}
        for name, model in self.networks():
            small, _ = self.strip(model)
            small.save(folder / f"{name}.keras")
            model.save(folder / f"{name}_gated.keras")
            (x,) = random_values.inputs_for(model, self.rng)
            (data[name],) = outputs(model, x)
            data[f"{name}.x"] = x
        np.savez(folder / "data.npz", **data)
        with self.subTest("small models load where keras_l0 is missing"):
            self.run_python(LOAD_WITHOUT, folder)
        with self.subTest("a gated model is stripped in a new process"):
            self.run_python(STRIP_LOADED, folder)

    def test_loaded_models_of_one_process(self):
        # Automatic names of what is loaded and what is made meet here, too.
        model = self.names()
        folder = self.create_tempdir()
        filepath = folder.create_file("gated.keras").full_path
        model.save(filepath)
        x = self.data(model)
        for _ in range(2):
            keras.utils.clear_session(free_memory=False)
            loaded = keras.saving.load_model(filepath)
            small = keras_l0.strip_gates(loaded)
            self.assert_same_function(model, small, x)


if __name__ == "__main__":
    absltest.main()
