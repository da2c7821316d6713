"""Tests of `keras-l0 strip`."""

import os
from unittest import mock

import keras
from absl.testing import absltest

import keras_l0
from keras_l0.cli import writing
from tests.cli import command_case
from tests.export import models


class StripTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.gated = self.save_gated()

    def test_writes_what_computes_the_same(self):
        text = self.answer("strip", "gated.keras", "small.keras")
        small = keras.models.load_model("small.keras")
        self.assertFalse(keras_l0.layers.has_gates(small))
        images = self.save_images()
        self.assertAllClose(
            small(images, training=False),
            self.gated(images, training=False),
            atol=1e-5,
        )
        size = os.path.getsize("small.keras")
        self.assertRegex(text, rf"6 -> 4[^$]*\nsmall.keras: {size:,} bytes\n$")

    def test_json_is_the_report(self):
        found = self.document("strip", "gated.keras", "small.keras")
        small, report = keras_l0.strip_gates(self.gated, return_report=True)
        self.assertEqual(found["report"]["params_after"], small.count_params())
        self.assertEqual(found["report"]["macs_after"], report.macs_after)
        self.assertEqual(found["out"], "small.keras")
        self.assertEqual(found["bytes"], os.path.getsize("small.keras"))

    def test_options_reach_the_surgery(self):
        for flags, units in (
            ((), (4, 6)),
            (("--round_to=5",), (5, 9)),
            (("--min_units=6",), (6, 6)),
            (("--include=gate$", "--include=^l0_gate$"), (4, 9)),
            (("--exclude=^l0_gate$",), (6, 6)),
        ):
            found = self.document(
                "strip", "gated.keras", "x.keras", "--dry_run", *flags
            )
            kept = {
                row["layer"]: row["units_after"]
                for row in found["report"]["layers"][:-1]
            }
            self.assertEqual((kept["Conv2D"], kept["Dense"]), units, flags)

    def test_keep_gates(self):
        self.answer("strip", "gated.keras", "small.keras", "--keep_gates")
        small = keras.models.load_model("small.keras")
        vectors = keras_l0.layers.gate_vectors(small)
        self.assertEqual([v.num_gates for v in vectors.values()], [4, 6])

    def test_dry_run_writes_nothing(self):
        before = self.files()
        text = self.answer("strip", "gated.keras", "gated.keras", "--dry_run")
        self.assertEndsWith(text, "Nothing is written.\n")
        self.assertEqual(self.files(), before)

    def test_folder(self):
        self.answer("strip", "gated.keras", "small")
        self.assertTrue(os.path.isfile("small/saved_model.pb"))

    def test_model_without_gates_is_copied(self):
        models.embedding_model().save("plain.keras")
        text = self.answer("strip", "plain.keras", "copy.keras")
        self.assertIn("The model has no gates; it is copied.", text)


class OutputTest(command_case.CommandCase):
    def setUp(self):
        super().setUp()
        self.save_gated()

    def test_existing_file_is_kept(self):
        with open("small.keras", "w") as file:
            file.write("precious")
        self.assert_refuses(
            1,
            "OUT exists. `--overwrite`",
            "strip",
            "gated.keras",
            "small.keras",
        )
        self.answer("strip", "gated.keras", "small.keras", "--overwrite")
        keras.models.load_model("small.keras")

    def test_model_can_be_replaced(self):
        self.answer("strip", "gated.keras", "gated.keras", "--overwrite")
        model = keras.models.load_model("gated.keras")
        self.assertFalse(keras_l0.layers.has_gates(model))

    def test_folder_of_other_things_is_kept(self):
        os.makedirs("small")
        with open("small/thesis.txt", "w") as file:
            file.write("precious")
        self.assert_refuses(
            1,
            "OUT is a folder with other content.*thesis.*Received: OUT='small'",
            *("strip", "gated.keras", "small", "--overwrite"),
        )

    def test_failure_while_writing_leaves_the_old_file(self):
        with open("small.keras", "w") as file:
            file.write("precious")
        with mock.patch.object(
            writing.keras.Model, "save", side_effect=OSError("disk full")
        ):
            self.assert_refuses(
                1,
                "disk full",
                *("strip", "gated.keras", "small.keras", "--overwrite"),
            )


class BadInputTest(command_case.CommandCase):
    def test_usage(self):
        for words, flags in (
            ("OUT must end in .keras", ("out.txt",)),
            ("OUT must end in .keras", ("out.tflite",)),
            ("`--keep_gates` needs an OUT", ("out", "--keep_gates")),
        ):
            # Nothing is loaded to find this out.
            self.assert_refuses(2, words, "strip", "none.keras", *flags)

    def test_filter_that_fits_nothing(self):
        self.save_gated()
        for flag in ("include", "exclude"):
            self.assert_refuses(
                1,
                f"`--{flag}` fits no layer. There are 2, e.g. 'l0_gate",
                *("strip", "gated.keras", "o.keras", f"--{flag}=l0_gait"),
            )

    def test_no_regular_expression(self):
        self.save_gated()
        self.assert_refuses(
            1,
            "`--include` must be a regular expression",
            *("strip", "gated.keras", "o.keras", "--include=("),
        )

    def test_subclassed_model(self):
        @keras.saving.register_keras_serializable("strip_test")
        class Subclassed(keras.Model):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.dense = keras.layers.Dense(2)

            def call(self, inputs):
                return self.dense(inputs)

        model = Subclassed()
        model(keras.ops.ones((1, 2)))
        model.save("subclassed.keras")
        for argv in (("strip", "o.keras"), ("export", "o"), ("inspect",)):
            command, *out = argv
            self.assert_refuses(
                1, "subclassed", command, "subclassed.keras", *out
            )

    def test_saved_model(self):
        keras_l0.export_saved_model(models.embedding_model(), "saved")
        self.assert_refuses(
            1, "Give the `.keras` file", "strip", "saved", "small.keras"
        )


if __name__ == "__main__":
    absltest.main()
