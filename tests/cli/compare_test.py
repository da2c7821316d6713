"""Tests of `keras-l0 compare`."""

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from tests.cli import command_case
from tests.export import models

FAST = "--runs=1"


def dense_model():
    return models.spread(
        keras.Sequential(
            [
                keras.Input((6, 6, 2)),
                keras.layers.Conv2D(6, 3, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(3),
            ],
            name="dense",
        )
    )


class CompareTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.gated = self.save_gated()
        self.small = keras_l0.strip_gates(self.gated)
        self.small.save("small.keras")
        self.dense = dense_model()
        self.dense.save("dense.keras")
        self.images = self.save_images()

    def rows(self, a, b, *flags):
        return self.document("compare", a, b, FAST, *flags)

    def test_gated_and_stripped(self):
        found = self.rows("gated.keras", "small.keras")
        self.assertEqual(list(found["models"]), ["gated", "stripped"])
        self.assertEqual(found["reference"], "gated")
        self.assertEqual(
            found["models"]["stripped"]["params"], self.small.count_params()
        )
        self.assertLess(max(found["differences"].values()), 1e-5)
        self.assertEqual(found["a"], {"model": "gated.keras", "row": "gated"})
        self.assertEqual(
            found["b"], {"model": "small.keras", "row": "stripped"}
        )

    def test_dense_and_gated(self):
        found = self.rows("dense.keras", "gated.keras")
        self.assertEqual(list(found["models"]), ["dense", "gated", "stripped"])
        self.assertEqual(found["a"]["row"], "dense")
        self.assertEqual(found["b"]["row"], "gated")

    def test_dense_and_stripped(self):
        found = self.rows("dense.keras", "small.keras", "--data=images.npy")
        self.assertEqual(list(found["models"]), ["dense", "stripped"])
        self.assertEqual(found["reference"], "stripped")
        self.assertEqual(found["examples"], len(self.images))
        expected = np.max(
            np.abs(
                self.dense(self.images, training=False)
                - self.small(self.images, training=False)
            )
        )
        self.assertAllClose(
            found["differences"]["dense model"], expected, rtol=1e-5
        )

    def test_text_says_who_is_who(self):
        text = self.answer("compare", "dense.keras", "small.keras", FAST)
        self.assertStartsWith(
            text, "A, dense: dense.keras\nB, stripped: small.keras\n\n"
        )
        self.assertRegex(text, "outputs of the stripped model")

    def test_quantizations(self):
        found = self.rows(
            "dense.keras",
            "small.keras",
            "--quantize=float16",
            "--quantize=int8",
            "--data=images.npy",
        )
        self.assertEqual(
            list(found["models"])[2:], ["stripped float16", "stripped int8"]
        )

    def test_saved_models(self):
        keras_l0.export_saved_model(self.small, "small")
        for a in ("dense.keras", "gated.keras"):
            found = self.rows(
                a, "small", "--data=images.npy", "--quantize=float16"
            )
            self.assertEqual(
                found["models"]["stripped"]["params"],
                self.small.count_params(),
            )
            self.assertIsNone(found["models"]["stripped"]["macs"])
            self.assertIn("stripped float16", found["models"])
        self.assertLess(found["differences"]["gated model"], 1e-5)

    def test_html(self):
        self.answer(
            "compare", "gated.keras", "small.keras", FAST, "--html=page.html"
        )
        with open("page.html", encoding="utf-8") as file:
            page = file.read()
        self.assertIn("gated.keras", page)
        self.assertIn("<html", page)


class BadInputTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.save_gated()

    def test_usage(self):
        self.assert_refuses(
            2,
            "`--quantize=int8` needs `--data=FILE`",
            *("compare", "none.keras", "none.keras", "--quantize=int8"),
        )

    def test_both_gated(self):
        self.assert_refuses(
            1, "both have gates", "compare", "gated.keras", "gated.keras"
        )

    def test_other_inputs(self):
        models.embedding_model().save("words.keras")
        self.assert_refuses(
            1,
            "error: B must take the same inputs as A: ",
            *("compare", "gated.keras", "words.keras", FAST),
        )

    def test_data_of_another_shape(self):
        dense_model().save("dense.keras")
        np.save("flat.npy", np.zeros((3, 72)))
        self.assert_refuses(
            1,
            r"`--data` must have the shape \(n, 6, 6, 2\).*shape=\(3, 72\)",
            *("compare", "gated.keras", "dense.keras", "--data=flat.npy"),
        )

    def test_page_that_exists(self):
        with open("page.html", "w") as file:
            file.write("precious")
        self.assert_refuses(
            1,
            "--html exists",
            *("compare", "gated.keras", "gated.keras", "--html=page.html"),
        )

    def test_page_of_a_saved_model(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        self.assert_refuses(
            1,
            "`--html` shows layers",
            *("compare", "gated.keras", "saved", "--html=page.html"),
        )


if __name__ == "__main__":
    absltest.main()
