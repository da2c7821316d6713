"""What every example that compresses a network must have brought about."""

import contextlib
import io
import os

import keras
import numpy as np
import tensorflow as tf

FILES = [
    "dense.keras",
    "gated.keras",
    "model.tflite",
    "model_int8.tflite",
    "report.json",
    "saved_model",
    "stripped.keras",
]


def run(example, settings, data) -> tuple[dict, str]:
    """Runs an example; returns its report and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        report = example.run(settings, data)
    return report, printed.getvalue()


def check(test, report, x, chance, macs=1.0, stripped="stripped") -> None:
    """Fails unless the network was learned, is smaller, and written as such.

    Args:
        test: A test case.
        report: What the example returned.
        x: Inputs, as the network takes them.
        chance: Share of the test examples that a guess gets right.
        macs: Share of the multiplications that may be left.
        stripped: Name of the model that was exported.
    """
    accuracy, models = report["test_accuracy"], report["comparison"]["models"]
    test.assertEqual(accuracy["stripped"], accuracy["gated"])
    for name in ("stripped.keras", "saved_model", "model.tflite"):
        test.assertEqual(accuracy[name], accuracy[stripped])
    # Guesses: normal, 6 standard errors above their mean. False alarms, i.e.
    # a network that guesses and passes: 1e-9.
    error = np.sqrt(chance * (1 - chance) / report["test_examples"])
    for name, share in accuracy.items():
        test.assertGreater(share, chance + 6 * error, name)
    for key in ("params", "macs"):
        test.assertLess(models["stripped"][key], models["dense"][key], key)
    left = models["stripped"]["macs"] / models["dense"]["macs"]
    test.assertLessEqual(left, macs)
    folder = report["settings"]["output_dir"]
    _check_files(test, models, folder, x, gated=stripped == "stripped")


def _check_files(test, models, folder, x, gated):
    small = keras.saving.load_model(os.path.join(folder, "stripped.keras"))
    test.assertEqual(small.count_params(), models["stripped"]["params"])
    loaded = tf.saved_model.load(os.path.join(folder, "saved_model"))
    expected = small(x)
    # Rounding, a few hundred units in the last place.
    tolerance = 1e-5 * np.max(np.abs(expected))
    test.assertAllClose(loaded.serve(x), expected, atol=tolerance, rtol=0)
    if gated:
        source = keras.saving.load_model(os.path.join(folder, "gated.keras"))
        test.assertAllClose(source(x), expected, atol=tolerance, rtol=0)
