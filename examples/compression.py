"""What the examples that compress a network have in common."""

import dataclasses
import sys
from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf
from absl import logging

import keras_l0
from examples import artifacts
from examples import datasets
from examples import reporting
from examples.datasets import Dataset
from examples.settings import Settings

_CALIBRATION_ROWS = 500
_RUNS = 100
# Of the table: figures of a model, and how they are written.
_COLUMNS = {
    "params": ",",
    "macs": ",",
    "litert_bytes": ",",
    "ms_1_thread": ".3f",
}


def begin(settings: Settings) -> None:
    """Sets the seed, and makes the output folder before hours are spent."""
    tf.get_logger().setLevel("WARNING")
    logging.set_verbosity(logging.WARNING)
    keras.utils.set_random_seed(settings.seed)
    try:
        artifacts.prepare(settings.output_dir)
    except OSError as error:
        raise SystemExit(f"Error: {error}") from error


def load_images(name: str) -> Dataset:
    """Loads images, or ends the program with an error that says why not."""
    try:
        return datasets.load(name)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f"Error: {error}") from error


def heading(text: str) -> None:
    """Says what comes next."""
    print(f"\n== {text}", flush=True)


def fit(
    model: keras.Model,
    data: Dataset,
    epochs: int,
    settings: Settings,
    **kwargs,
) -> keras.callbacks.History:
    """Trains a classifier that gives logits, gated or not.

    A model with gates is a `keras_l0.L0Model`: its gates have an optimizer of
    their own and, if it has a budget, `fit` closes gates until it is met,
    freezes the others, and fine-tunes. To the caller it is the `fit` of any
    Keras model.

    Args:
        model: A model.
        data: Examples to train on, and to report on after each epoch.
        epochs: Number of epochs.
        settings: Batch size and learning rate.
        **kwargs: Further arguments of `compile`.
    """
    steps = epochs * -(-len(data.x_train) // settings.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, steps)
    model.compile(
        keras.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **kwargs,
    )
    return model.fit(
        data.x_train,
        data.y_train,
        batch_size=settings.batch_size,
        epochs=epochs,
        validation_data=(data.x_validation, data.y_validation),
        # A moving bar is for a screen; a log gets one line for each epoch.
        verbose=1 if sys.stdout.isatty() else 2,
    )


def open_gates(gated: keras.Model) -> dict[str, tuple[int, int]]:
    """Name of each gated layer -> its open gates, and all of its gates."""
    return {
        name.removesuffix("_gated"): (
            int(np.count_nonzero(vector.deterministic_gate())),
            vector.num_gates,
        )
        for name, vector in keras_l0.layers.gate_vectors(gated).items()
    }


def finish(
    models: Mapping[str, keras.Model], data: Dataset, settings: Settings
) -> dict:
    """Exports the last model, measures all, tests all once, and says so.

    Args:
        models: Name -> model: `"dense"`, `"gated"`, and one or more that were
            stripped. The last one is exported.
        data: The test set is used here, and nowhere else.
        settings: Where to write, and what to put on record.

    Returns:
        report: What `report.json` holds.
    """
    folder, small = settings.output_dir, list(models.values())[-1]
    artifacts.save(models["dense"], folder, "dense.keras")
    artifacts.save(models["gated"], folder, "gated.keras")
    artifacts.save(small, folder, "stripped.keras")
    calibration = data.x_train[:_CALIBRATION_ROWS]
    artifacts.export(small, folder, data.x_validation, calibration)
    comparison = keras_l0.compare(
        models["dense"],
        models["gated"],
        small,
        calibration,
        quantize="int8",
        runs=_RUNS,
    )
    accuracy = reporting.accuracies(models, folder, data.x_test, data.y_test)
    report = {
        "settings": dataclasses.asdict(settings),
        "test_examples": len(data.x_test),
        "test_accuracy": accuracy,
        "comparison": comparison.to_dict(),
    }
    artifacts.save_json(report, folder, "report.json")
    print(f"\n{table(report)}\n\n{artifacts.listing(folder)}")
    return report


def table(report: Mapping) -> str:
    """What `finish` found, a line for each model.

    Args:
        report: What `finish` returns.
    """
    sizes, accuracy = report["comparison"]["models"], report["test_accuracy"]
    small = sizes["stripped"]
    # Fine-tuning changes no size, and int8 no number of weights.
    sizes = {"fine-tuned": small, **sizes}
    rows = [
        (name, sizes[name], accuracy[name])
        for name in accuracy
        if name in sizes
    ]
    int8 = {**small, **{k: v for k, v in sizes["stripped int8"].items() if v}}
    rows.append(("as int8", int8, accuracy["model_int8.tflite"]))
    lines = [_line("", "params", "MACs", "bytes", "ms", "right")]
    for name, size, share in rows:
        columns = [(size[key], form) for key, form in _COLUMNS.items()]
        cells = ["-" if v is None else format(v, form) for v, form in columns]
        lines.append(_line(name, *cells, f"{100 * share:.2f} %"))
    shares = [
        f"{100 * small[key] / sizes['dense'][key]:.1f} %" for key in _COLUMNS
    ]
    lines.append(_line("left", *shares, ""))
    return "\n".join(
        [
            *lines,
            "bytes: the .tflite file. ms: LiteRT, one example on one thread.",
            f"right: share of the {report['test_examples']:,} test examples.",
        ]
    )


def _line(name, *cells):
    return f"{name:<12}" + "".join(f"{cell:>13}" for cell in cells)
