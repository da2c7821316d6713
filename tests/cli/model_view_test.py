"""Tests of what `inspect` shows of a Keras model."""

import keras
from absl.testing import absltest

from keras_l0 import cost
from keras_l0.cli import model_view
from tests import test_util
from tests.export import models


class ViewTest(test_util.TestCase):
    def test_text(self):
        model = models.gated_image_model()
        total = cost.count(model)
        lines = model_view.view("a.keras", model).text.split("\n")
        self.assertEqual(lines[0], f"a.keras: Sequential 'images', {total}")
        self.assertEqual(
            [line.split() for line in lines[2:7]],
            [
                ["layer", "class", "units", "params", "MACs"],
                ["conv2d", "Conv2D", "6", "108", "1,728"],
                ["batch_normalization", "BatchNormalization", "6", "24", "0"],
                ["dense", "Dense", "9", "873", "864"],
                ["dense_1", "Dense", "3", "30", "27"],
            ],
        )

    def test_document(self):
        model = models.embedding_model()
        found = model_view.view("a.keras", model).document
        self.assertEqual(found["total"]["params"], model.count_params())
        self.assertEqual(found["class"], "Sequential")
        self.assertEqual(
            [row["params"] for row in found["layers"]], [7 * 4, 20 * 2 + 2]
        )

    def test_multiplications_that_nobody_knows(self):
        @keras.saving.register_keras_serializable("model_view_test")
        class Mystery(keras.layers.Layer):
            def build(self, input_shape):
                self.kernel = self.add_weight(shape=(3,))

            def call(self, inputs):
                return inputs * self.kernel

        model = keras.Sequential([keras.Input((3,)), Mystery(name="mystery")])
        text = model_view.view("a.keras", model).text
        self.assertIn("without those of: mystery", text)
        self.assertRegex(text, r"(?m)^mystery +Mystery +3 +3 +-$")


if __name__ == "__main__":
    absltest.main()
