"""Tests of the precision of models, and of their copies in float32."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

from keras_l0.export import precision
from tests import test_util
from tests.export import models

DATA = np.random.default_rng(3).normal(size=(3, 4, 3)).astype("float32")


class PrecisionTest(test_util.TestCase):
    def test_coarsest(self):
        for dtypes, expected in (
            ({"float32", "float64"}, "float32"),
            ({"float32", "float16"}, "float16"),
            ({"float16", "bfloat16"}, "bfloat16"),
            ({"float64", "int32"}, "float64"),
            (set(), "float32"),
        ):
            self.assertEqual(precision.coarsest(dtypes), expected)

    def test_compute_dtypes_are_those_of_layers_below(self):
        half = keras.layers.Dense(2, dtype="mixed_float16")
        inner = keras.Sequential([keras.Input((3,)), half])
        model = keras.Sequential([keras.Input((3,)), inner])
        self.assertEqual(
            precision.compute_dtypes(model), {"float16", "float32"}
        )

    def test_float32_model_is_itself(self):
        model = models.embedding_model()
        self.assertIs(precision.in_float32(model), model)

    # Rounding of the source: one part in 2^8, 2^11 or 2^24 for each of about
    # ten operations in a row, of outputs near 1.
    @parameterized.parameters(
        ("mixed_bfloat16", 10 * 2**-8),
        ("mixed_float16", 10 * 2**-11),
        ("float16", 10 * 2**-11),
        ("float64", 10 * 2**-24),
    )
    def test_copy_computes_the_same_in_float32(self, dtype, tolerance):
        model = models.mixed_model(dtype)
        copy = precision.in_float32(model)
        self.assertEqual(precision.compute_dtypes(copy), {"float32"})
        self.assertEqual(copy(DATA).dtype, "float32")
        expected = keras.ops.cast(model(DATA, training=False), "float64")
        scale = np.max(np.abs(expected))
        self.assertGreater(scale, 0.3)
        self.assertAllClose(
            copy(DATA), expected, rtol=0, atol=tolerance * scale
        )

    def test_source_keeps_its_precision(self):
        model = models.mixed_model("mixed_float16")
        before = precision.compute_dtypes(model)
        precision.in_float32(model)
        self.assertEqual(precision.compute_dtypes(model), before)


if __name__ == "__main__":
    absltest.main()
