"""Tests of the SavedModel export."""

import errno
import os
import pathlib
import subprocess
import sys
import tempfile
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0 import export
from keras_l0.export import saved_model
from keras_l0.surgery import strip_gates
from tests import test_util
from tests.export import models

# Run where keras_l0 cannot be imported: loads what was written and compares.
LOADER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "keras_l0":
            raise ImportError("keras_l0 is blocked")

sys.meta_path.insert(0, Blocker())
import keras
import numpy as np
import tensorflow as tf

data, expected = np.load("data.npy"), np.load("expected.npy")
loaded = tf.saved_model.load("saved_model")
outputs = {
    "saved_model": loaded.serve(data).numpy(),
    "keras": keras.models.load_model("small.keras")(data).numpy(),
}
for name, output in outputs.items():
    print(name, output.shape, float(abs(output - expected).max()))
assert "keras_l0" not in sys.modules
"""


class ExportSavedModelTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(dir=self.create_tempdir().full_path)
        self.path = os.path.join(self.folder, "saved_model")

    def names(self):
        return sorted(os.listdir(self.folder))

    def test_computes_what_the_gated_model_computes(self):
        model = models.gated_image_model()
        result = export.export_saved_model(model, self.path)
        data = np.random.default_rng(0).normal(size=(5, 6, 6, 2)).astype("f")
        expected = model(data, training=False)
        loaded = tf.saved_model.load(self.path)
        # Rounding of about ten float32 operations on values up to 10.
        self.assertGreater(np.max(np.abs(expected)), 0.5)
        self.assertAllClose(loaded.serve(data), expected, rtol=0, atol=1e-5)
        self.assertEqual(result.path, self.path)
        self.assertEqual(result.format, "SavedModel")
        self.assertEqual(
            result.bytes,
            sum(p.stat().st_size for p in pathlib.Path(self.path).rglob("*.*")),
        )
        self.assertLess(result.max_difference, 1e-5)
        self.assertGreater(result.max_reference, 0.5)
        self.assertEqual(self.names(), ["saved_model"])

    def test_closed_units_are_gone(self):
        model = models.gated_image_model()
        export.export_saved_model(model, self.path)
        variables = tf.train.list_variables(self.path + "/variables/variables")
        stored = sum(
            np.prod(s, dtype=int) for n, s in variables if "VALUE" in n
        )
        # 4 of 6 filters and 6 of 9 units are open; filters have statistics.
        filters, hidden, last = 4 * 18 + 4 * 4, 6 * (16 * 4 + 1), 3 * 7
        self.assertEqual(stored, filters + hidden + last)

    def test_loads_without_keras_l0(self):
        model = models.gated_image_model()
        export.export_saved_model(model, self.path)
        path = os.path.join(self.folder, "small.keras")
        strip_gates(model).save(path)
        data = np.random.default_rng(0).normal(size=(5, 6, 6, 2)).astype("f")
        np.save(os.path.join(self.folder, "data.npy"), data)
        expected = keras.ops.convert_to_numpy(model(data, training=False))
        np.save(os.path.join(self.folder, "expected.npy"), expected)
        done = subprocess.run(
            [sys.executable, "-c", LOADER],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.rsplit(" ", 1) for line in done.stdout.splitlines()]
        self.assertEqual(
            [name for name, _ in lines], ["saved_model (5, 3)", "keras (5, 3)"]
        )
        for name, difference in lines:
            self.assertLess(float(difference), 1e-5, name)

    def test_stores_every_weight_once(self):
        model = keras.Sequential([keras.Input((100,)), keras.layers.Dense(500)])
        result = export.export_saved_model(model, self.path)
        # 50,500 weights of 4 bytes; the graph takes some 20 kB.
        self.assertBetween(result.bytes, 4 * 50_500, 4 * 50_500 + 60_000)

    @parameterized.parameters(False, True)
    def test_keeps_the_structure_of_inputs_and_outputs(self, as_dict):
        model = models.gated_two_input_model(as_dict)
        export.export_saved_model(model, self.path)
        loaded = tf.saved_model.load(self.path)
        data = [tf.ones((2, 4)), tf.ones((2, 2))]
        if as_dict:
            data = {"left": data[0], "right": data[1]}
        tf.nest.map_structure(
            self.assertAllClose, loaded.serve(data), model(data)
        )
        signature = loaded.signatures["serving_default"]
        outputs = {"narrow", "wide"} if as_dict else {"output_0", "output_1"}
        self.assertEqual(set(signature.structured_outputs), outputs)

    def test_replaces_an_older_saved_model(self):
        small = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        export.export_saved_model(models.embedding_model(), self.path)
        export.export_saved_model(small, self.path)
        loaded = tf.saved_model.load(self.path)
        self.assertEqual(loaded.serve(tf.ones((3, 2))).shape, (3, 1))
        self.assertEqual(self.names(), ["saved_model"])

    @parameterized.parameters("int32", "float32")
    def test_embedding(self, dtype):
        model = models.embedding_model(dtype)
        result = export.export_saved_model(model, self.path)
        self.assertLess(result.max_difference, 1e-6)

    def test_look_up_table_comes_along(self):
        model = keras.Sequential(
            [
                keras.Input((1,), dtype="string"),
                keras.layers.StringLookup(vocabulary=["a", "b"]),
                keras.layers.Embedding(3, 2),
            ]
        )
        words = np.array([["b"], ["a"], ["?"]])
        result = export.export_saved_model(model, self.path, probe=words)
        self.assertEqual(result.max_difference, 0.0)
        self.assertGreater(result.max_reference, 0.0)

    def test_own_batch_size(self):
        model = models.recurrent_model(batch_size=2)
        result = export.export_saved_model(model, self.path)
        self.assertLess(result.max_difference, 1e-6)
        signature = tf.saved_model.load(self.path).signatures["serving_default"]
        self.assertEqual(signature.inputs[0].shape, (2, 5, 3))

    @parameterized.parameters("mixed_float16", "mixed_bfloat16", "float64")
    def test_other_precisions(self, dtype):
        model = models.mixed_model(dtype)
        result = export.export_saved_model(model, self.path)
        self.assertGreater(result.max_reference, 0.3)

    def test_names_that_tensorflow_does_not_take(self):
        tensors = [keras.Input((2,), name=name) for name in ("a b", "1.z")]
        model = keras.Model(tensors, keras.layers.Subtract()(tensors))
        export.export_saved_model(model, self.path)
        loaded = tf.saved_model.load(self.path)
        output = loaded.serve([tf.ones((1, 2)), tf.zeros((1, 2))])
        self.assertAllEqual(output, [[1.0, 1.0]])

    def test_wrong_result_raises_and_keeps_the_old_one(self):
        old = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        export.export_saved_model(old, self.path)
        other = models.spread(keras.models.clone_model(old))
        write = saved_model.write_saved_model
        with mock.patch.object(
            saved_model,
            "write_saved_model",
            lambda model, folder: write(other, folder),
        ):
            with self.assertRaisesRegex(
                RuntimeError, "SavedModel does not compute.*differ by up to"
            ):
                export.export_saved_model(old, self.path)
        data = tf.ones((3, 2))
        loaded = tf.saved_model.load(self.path)
        self.assertAllClose(loaded.serve(data), old(data))
        self.assertEqual(self.names(), ["saved_model"])

    def test_full_disk_leaves_nothing(self):
        def fill(model, folder):
            pathlib.Path(folder, "saved_model.pb").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

        with mock.patch.object(saved_model, "write_saved_model", fill):
            with self.assertRaisesRegex(OSError, "No space left"):
                export.export_saved_model(models.embedding_model(), self.path)
        self.assertEqual(self.names(), [])

    def test_folder_of_other_files_is_kept(self):
        pathlib.Path(self.folder, "report.json").write_text("{}")
        with self.assertRaisesRegex(FileExistsError, "delete: report.json"):
            export.export_saved_model(models.embedding_model(), self.folder)
        self.assertEqual(self.names(), ["report.json"])

    def test_bad_path_raises_before_the_work(self):
        path = os.path.join(self.folder, "none", "model")
        with mock.patch.object(saved_model, "write_saved_model") as write:
            with self.assertRaisesRegex(FileNotFoundError, "`filepath` lies"):
                export.export_saved_model(models.embedding_model(), path)
        write.assert_not_called()

    def test_bad_arguments_raise_and_write_nothing(self):
        with self.assertRaisesRegex(TypeError, "must be a `keras.Model`"):
            export.export_saved_model("model", self.path)
        with self.assertRaisesRegex(ValueError, r"`probe` .*\(n, 5\)"):
            export.export_saved_model(
                models.embedding_model(), self.path, probe=np.ones((2, 3))
            )
        self.assertEqual(self.names(), [])


if __name__ == "__main__":
    absltest.main()
