"""Tests of what an export tells its caller."""

import dataclasses

from absl.testing import absltest

from keras_l0 import export
from tests import test_util

RESULT = export.ExportResult("out/m.tflite", "LiteRT int8", 9120, 0.00336, 12.5)


class ExportResultTest(test_util.TestCase):
    def test_text_is_one_clear_line(self):
        self.assertEqual(
            str(RESULT),
            "out/m.tflite: LiteRT int8, 9,120 bytes, outputs differ by at most "
            "3.4e-03 (they reach 12.5)",
        )

    def test_cannot_be_changed(self):
        with self.assertRaisesRegex(dataclasses.FrozenInstanceError, "bytes"):
            RESULT.bytes = 1


if __name__ == "__main__":
    absltest.main()
