"""What the trained networks are worth: accuracies, pictures, a summary."""

import os
import warnings
from collections.abc import Callable
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

import keras_l0

_ROWS_AT_ONCE = 500


def accuracies(
    models: Mapping[str, keras.Model],
    folder: str,
    x: np.ndarray,
    y: np.ndarray,
) -> dict[str, float]:
    """Share of the images that each model and each written file gets right.

    Args:
        models: Name -> model that gives logits.
        folder: Where `stripped.keras`, `saved_model`, `model.tflite` and
            `model_int8.tflite` are.
        x: Images.
        y: Their classes.
    """
    stripped = keras.saving.load_model(os.path.join(folder, "stripped.keras"))
    saved_model = tf.saved_model.load(os.path.join(folder, "saved_model"))
    predictors = {
        **models,
        "stripped.keras": stripped,
        "saved_model": saved_model.serve,
        **{
            name: _litert(os.path.join(folder, name))
            for name in ("model.tflite", "model_int8.tflite")
        },
    }
    return {
        name: _accuracy(predict, x, y) for name, predict in predictors.items()
    }


def _accuracy(predict, x, y):
    right = 0
    for start in range(0, len(x), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        logits = np.asarray(predict(x[rows]))
        right += np.count_nonzero(logits.argmax(axis=1) == y[rows])
    return right / len(x)


def _litert(path: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function that runs the LiteRT file on a batch of any size."""
    with warnings.catch_warnings():
        # TensorFlow announces that its interpreter will move elsewhere.
        warnings.simplefilter("ignore")
        signature = tf.lite.Interpreter(path).get_signature_runner()
    (name,) = signature.get_input_details()

    def predict(images):
        (logits,) = signature(**{name: images}).values()
        return logits

    return predict


def units_left(gated: keras.Model, small: keras.Model) -> dict[str, int]:
    """Name of each gated layer -> units that the stripped network kept.

    For a layer whose inputs are gated these are the inputs of its kernel.
    """
    left = {}
    for layer in keras_l0.layers.gate_layers(gated):
        kernel = small.get_layer(layer.layer.name).kernel
        left[layer.name] = kernel.shape[-2 if layer.on == "inputs" else -1]
    return left


def draw(report: Mapping, folder: str) -> None:
    """Draws three pictures of a report, if matplotlib is installed."""
    rows, accuracy = report["comparison"]["models"], report["test_accuracy"]
    before, after = report["units_before"], report["units_after"]
    points = {
        "dense": (rows["dense"], accuracy["dense"]),
        "stripped": (rows["stripped"], accuracy["model.tflite"]),
        "stripped, int8": (
            rows["stripped int8"],
            accuracy["model_int8.tflite"],
        ),
    }
    try:
        keras_l0.report.plot_open_units(
            _readable(report["open_gates"]),
            _readable(before),
            os.path.join(folder, "open_units.png"),
        )
        keras_l0.report.plot_architecture(
            {**_readable(before), "all weights": rows["dense"]["params"]},
            {**_readable(after), "all weights": rows["stripped"]["params"]},
            os.path.join(folder, "architecture.png"),
        )
        keras_l0.report.plot_accuracy_size(
            {
                f"{name} (.tflite)": (row["litert_bytes"], share)
                for name, (row, share) in points.items()
            },
            os.path.join(folder, "accuracy_size.png"),
        )
    except ImportError as error:
        print(f"No pictures: {error}")


def _readable(values):
    return {name.replace("_", " "): value for name, value in values.items()}


def summary(report: Mapping) -> str:
    """Two sentences on what was gained and lost."""
    rows, accuracy = report["comparison"]["models"], report["test_accuracy"]
    dense, small = rows["dense"]["params"], rows["stripped"]["params"]
    return (
        f"The stripped network has {small:,} parameters, the dense one "
        f"{dense:,}: {dense / small:.1f}x fewer.\nIt gets "
        f"{100 * accuracy['stripped']:.2f} % of the {report['test_images']:,} "
        f"test images right, the dense one {100 * accuracy['dense']:.2f} %; "
        f"as int8, {100 * accuracy['model_int8.tflite']:.2f} %."
    )
