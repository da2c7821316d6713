"""Tests of what `inspect` shows of a SavedModel."""

from absl.testing import absltest

from keras_l0.cli import saved_model_view
from keras_l0.cli.saved_model import SavedModelInfo
from keras_l0.cli.saved_model import TensorInfo

TEXT = """\
a: SavedModel, 1,234 parameters, 56,789 bytes
signatures: serve, serving_default

            name      shape     type
input      image  (None, 4)  float32
output  output_0  (None, 2)  float16

A SavedModel keeps no layers: inspect the `.keras` file that it was exported
from to see them."""
INFO = SavedModelInfo(
    inputs=(TensorInfo("image", (None, 4), "float32"),),
    outputs=(TensorInfo("output_0", (None, 2), "float16"),),
    signatures=("serve", "serving_default"),
    params=1234,
    bytes=56789,
)


class ViewTest(absltest.TestCase):
    def test_text(self):
        self.assertEqual(saved_model_view.view("a", INFO).text, TEXT)

    def test_document(self):
        found = saved_model_view.view("a", INFO).document
        self.assertEqual((found["model"], found["format"]), ("a", SAVED))
        self.assertEqual(found["params"], 1234)
        self.assertEqual(found["inputs"][0]["name"], "image")


SAVED = "saved_model"

if __name__ == "__main__":
    absltest.main()
