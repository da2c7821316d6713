"""Wrap, fit, strip, export, reload: the whole way on tiny made-up data.

It uses public names only and runs against the built wheel, too.
"""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest

import keras_l0
from tests import test_util

# A process without keras_l0: what was written must not need it.
RELOAD = """
import sys
sys.modules["keras_l0"] = None
import keras, numpy, tensorflow
folder = sys.argv[1]
x = numpy.load(folder + "/x.npy")
small = keras.saving.load_model(folder + "/small.keras")
numpy.save(folder + "/keras.npy", small.predict(x, verbose=0))
saved = tensorflow.saved_model.load(folder + "/saved_model")
numpy.save(folder + "/saved.npy", saved.serve(x))
"""


class WorkflowTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(test_util.test_seed())
        self.x = rng.normal(size=(256, 8)).astype("float32")
        # Two of the eight features say which of three classes it is.
        self.y = (self.x[:, 0] > 0).astype("int32") + (self.x[:, 1] > 0)
        self.gate = keras_l0.L0Gate(
            keras.layers.Dense(16, activation="relu"), l0=0.004
        )
        self.gated = keras.Sequential(
            [
                keras.Input((8,)),
                self.gate,
                keras.layers.Dense(8, activation="relu"),
                keras.layers.Dense(3),
            ]
        )

    def fit(self, epochs):
        self.gated.compile(
            keras.optimizers.Adam(0.02),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        self.gated.fit(self.x, self.y, batch_size=32, epochs=epochs, verbose=0)

    def open_gates(self):
        gates = self.gate.gate_vector.gate.deterministic_gate(
            tf.convert_to_tensor(self.gate.gate_vector.logits)
        )
        return int(np.count_nonzero(gates))

    def test_fit_learns_and_closes_gates(self):
        self.assertEqual(self.open_gates(), 16)
        self.fit(epochs=30)
        results = self.gated.evaluate(
            self.x, self.y, verbose=0, return_dict=True
        )
        # Always naming the commonest class gives 0.5; seeds 1, 2, 3 and 17
        # give at least 0.97 with 10 to 12 open gates.
        self.assertGreater(results["accuracy"], 0.9)
        self.assertBetween(self.open_gates(), 1, 15)

    def test_stripped_model_is_small_and_equal_wherever_it_is_loaded(self):
        self.fit(epochs=1)
        logits = np.where(np.arange(16) < 5, [0.5], [-4.0])
        self.gate.gate_vector.logits.assign(logits)
        expected = self.gated.predict(self.x, verbose=0)

        small = keras_l0.strip_gates(self.gated)
        folder = pathlib.Path(self.create_tempdir().full_path)
        small.save(folder / "small.keras")
        keras_l0.export_saved_model(self.gated, folder / "saved_model")
        np.save(folder / "x.npy", self.x)
        self.reload(folder)

        # 8 inputs, 5 of 16 units, 8 units, 3 outputs, each with a bias.
        self.assertEqual(
            small.count_params(), (8 + 1) * 5 + (5 + 1) * 8 + (8 + 1) * 3
        )
        # Float32 sums of at most 9 terms in another order.
        atol = 1e-5 * np.abs(expected).max()
        for outputs in (
            small.predict(self.x, verbose=0),
            np.load(folder / "keras.npy"),
            np.load(folder / "saved.npy"),
        ):
            self.assertAllClose(outputs, expected, rtol=0, atol=atol)

    def reload(self, folder):
        done = subprocess.run(
            [sys.executable, "-c", RELOAD, str(folder)],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_litert_file_agrees(self):
        filepath = pathlib.Path(self.create_tempdir().full_path) / "m.tflite"
        result = keras_l0.export_litert(self.gated, filepath)
        self.assertEqual(result.bytes, filepath.stat().st_size)
        interpreter = tf.lite.Interpreter(str(filepath))
        interpreter.resize_tensor_input(0, self.x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(
            interpreter.get_input_details()[0]["index"], self.x
        )
        interpreter.invoke()
        outputs = interpreter.get_tensor(
            interpreter.get_output_details()[0]["index"]
        )
        expected = self.gated.predict(self.x, verbose=0)
        atol = 1e-4 * np.abs(expected).max()
        self.assertAllClose(outputs, expected, rtol=0, atol=atol)


if __name__ == "__main__":
    absltest.main()
