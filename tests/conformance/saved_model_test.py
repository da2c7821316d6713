"""Tests that an exported gated model computes what it did."""

import pathlib

import numpy as np
import tensorflow as tf
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from tests import descriptors
from tests import test_util
from tests.conformance import properties

PROPERTY = properties.Property(
    "saved_model",
    (*descriptors.TRAINED, *descriptors.DISTRIBUTIONS),
    {"CALLBACKS": properties.WATCHES},
)
X = descriptors.inputs()


class SavedModelTest(test_util.TestCase):
    def folder(self):
        return str(pathlib.Path(self.create_tempdir().full_path) / "model")

    @parameterized.named_parameters(*descriptors.named(descriptors.TRAINED))
    def test_exported_model_computes_the_same(self, row):
        model = row.model()
        descriptors.set_logits(model, (-0.7, 0.3, 0.8, -1000.0))
        folder = self.folder()
        model.export(folder, verbose=False)
        loaded = tf.saved_model.load(folder)
        for x in (X, X[:1]):
            y = loaded.serve(tf.constant(x))
            # Sums of at most some 30 products, in another order.
            known = np.array(model(x, training=False))
            atol = 30 * 2**-23 * np.abs(known).max()
            self.assertAllClose(y, known, rtol=0, atol=atol)
            vectors = keras_l0.layers.gate_vectors(model).values()
            drawn = any(vector.gate.stochastic for vector in vectors)
            # Binary gates may be drawn as they are in inference.
            if drawn and row.name != "arm_binary":
                self.assertNotAllClose(y, model(x, training=True))

    @parameterized.named_parameters(
        *descriptors.named(descriptors.DISTRIBUTIONS)
    )
    def test_module_of_a_distribution_computes_the_same(self, row):
        module, gate = tf.Module(), row.make()
        spec = [tf.TensorSpec((None, 4))]
        module.cdf = tf.function(gate.cdf, input_signature=spec)
        folder = self.folder()
        tf.saved_model.save(module, folder)
        x = np.array([[-0.05] * 4, [0.0] * 4, [0.4] * 4], "float32")
        self.assertAllClose(tf.saved_model.load(folder).cdf(x), gate.cdf(x))


if __name__ == "__main__":
    absltest.main()
