"""Tests of the record of a comparison."""

import json
import os

from absl.testing import absltest

from keras_l0 import report
from tests import test_util

ROWS = (
    report.ModelFigures(
        "dense", 431_080, 2_293_000, 1_740_000, 1_750_000, 1_730_000, 0.12, 0.08
    ),
    report.ModelFigures("gated", 431_080, 2_293_000, 1_760_000),
    report.ModelFigures(
        "stripped", 21_554, 458_600, 87_000, 125_000, 95_000, 0.03, 0.04
    ),
    report.ModelFigures(
        "stripped int8",
        litert_bytes=30_000,
        ms_1_thread=0.01,
        ms_2_threads=0.02,
    ),
)
COMPARISON = report.Comparison(
    models=ROWS,
    differences={"stripped model": 4.8e-7, "stripped .tflite": 0.0},
    largest_output=12.34,
    examples=1256,
    notes=("MACs of dense are without those of: lstm " + 8 * "and more ",),
)
TEXT = """\
                   params    MACs   .keras  SavedModel  .tflite  1 thread  2 threads
dense             431,080  2.29 M  1.74 MB     1.75 MB  1.73 MB     0.120      0.080
gated             431,080  2.29 M  1.76 MB           -        -         -          -
stripped           21,554   459 k  87.0 kB      125 kB  95.0 kB     0.030      0.040
stripped int8           -       -        -           -  30.0 kB     0.010      0.020
dense / stripped    20.0x    5.0x    20.0x       14.0x    18.2x      4.0x       2.0x

Threads: milliseconds of LiteRT for one example, median.
Largest difference from the outputs of the gated model (they reach 12.3),
in inference mode, on 1,256 examples:
  stripped model    4.8e-07
  stripped .tflite        0
Note: MACs of dense are without those of: lstm and more and more and more and more and more and more
  and more and more"""  # noqa: E501

STRIPPED = "stripped"


class ComparisonTest(test_util.TestCase):
    def test_text(self):
        self.assertEqual(str(COMPARISON), TEXT)
        self.assertLessEqual(max(map(len, TEXT.split("\n"))), 100)

    def test_text_of_large_networks_fits(self):
        rows = [
            report.ModelFigures(name, *[999_000_000] * 5, 99999.999, 99999.999)
            for name in ("dense", "gated", "stripped", "stripped dynamic_range")
        ]
        text = str(report.Comparison(tuple(rows), {}, 1.0, 1))
        self.assertLessEqual(max(map(len, text.split("\n"))), 100)

    def test_text_without_a_dense_model(self):
        text = str(report.Comparison(ROWS[1:3], {}, 1.0, 1, batch=4))
        self.assertIn("gated / stripped    20.0x    5.0x    20.2x", text)
        self.assertIn("LiteRT for 4 examples, median", text)

    def test_text_without_a_gated_model(self):
        found = report.Comparison(
            (ROWS[0], ROWS[2]), {"dense model": 0.5}, 2.0, 9, reference=STRIPPED
        )
        self.assertEndsWith(
            str(found),
            "Largest difference from the outputs of the stripped model (they "
            "reach 2),\nin inference mode, on 9 examples:\n"
            "  dense model  5.0e-01\n"
            "The difference of the dense model is more than rounding if the "
            "stripped\none was trained further.",
        )
        self.assertEqual(found.to_dict()["reference"], STRIPPED)

    def test_text_of_one_row_has_no_ratio(self):
        text = str(report.Comparison(ROWS[2:3], {}, 1.0, 1))
        self.assertNotIn("stripped / ", text)

    def test_dict_holds_every_figure(self):
        figures = COMPARISON.to_dict()
        self.assertEqual(
            list(figures["models"]),
            ["dense", "gated", "stripped", "stripped int8"],
        )
        self.assertEqual(
            figures["models"]["stripped"],
            {
                "params": 21_554,
                "macs": 458_600,
                "keras_bytes": 87_000,
                "saved_model_bytes": 125_000,
                "litert_bytes": 95_000,
                "ms_1_thread": 0.03,
                "ms_2_threads": 0.04,
            },
        )
        self.assertIsNone(figures["models"]["gated"]["litert_bytes"])
        self.assertEqual(figures["differences"]["stripped model"], 4.8e-7)
        self.assertEqual(figures["largest_output"], 12.34)
        self.assertEqual(figures["examples"], 1256)
        self.assertEqual(figures["batch"], 1)
        self.assertEqual(figures["notes"], list(COMPARISON.notes))

    def test_json_is_the_dict(self):
        path = os.path.join(self.create_tempdir().full_path, "report.json")
        text = COMPARISON.to_json(path)
        self.assertEqual(json.loads(text), COMPARISON.to_dict())
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), text)

    def test_json_without_a_path_writes_nothing(self):
        text = COMPARISON.to_json()
        self.assertEqual(json.loads(text), COMPARISON.to_dict())

    def test_json_of_an_infinite_difference(self):
        comparison = report.Comparison((), {"a": float("inf")}, 1.0, 1)
        figures = json.loads(comparison.to_json())
        self.assertEqual(figures["differences"], {"a": None})

    def test_json_to_a_bad_path_raises(self):
        folder = self.create_tempdir().full_path
        with self.assertRaisesRegex(FileNotFoundError, "`path` lies"):
            COMPARISON.to_json(os.path.join(folder, "none", "report.json"))
        self.assertEqual(os.listdir(folder), [])


if __name__ == "__main__":
    absltest.main()
