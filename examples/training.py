"""The way of the examples: train, strip, export, compare, test, report."""

import dataclasses
import sys
import time
from collections.abc import Callable

import keras
import tensorflow as tf
from absl import logging

import keras_l0
from examples import artifacts
from examples import datasets
from examples import reporting
from examples.options import Options

_QUICK_ROWS = 256
_CALIBRATION_ROWS = 500


def run(
    build: Callable[..., keras.Model], image_size: int, options: Options
) -> dict:
    """Does everything that an example does.

    Args:
        build: `build(image_shape, num_classes, l0)` returns a network that
            gives logits: with gates, where `l0` holds the price of a weight
            for each gated layer, or dense, where `l0` is None.
        image_size: Least height and width of images; others are enlarged.
        options: What to do.

    Returns:
        report: What `report.json` holds.
    """
    start = time.monotonic()
    tf.get_logger().setLevel("WARNING")
    logging.set_verbosity(logging.WARNING)
    data = _prepare(image_size, options)
    if options.quick:
        data, options = _quick(data, options)

    _heading(1, "Train the dense network, to compare with")
    dense = _trained(build, data, options)
    artifacts.save(dense, options.output_dir, "dense.keras")

    _heading(2, "Train the same network with gates")
    gates = keras_l0.callbacks.GateHistory()
    prices = [price / len(data.x_train) for price in options.l0]
    gated = _trained(build, data, options, prices, gates)
    artifacts.save(gated, options.output_dir, "gated.keras")

    _heading(3, "Strip: remove what the gates have closed")
    small, stripping = keras_l0.strip_gates(gated, return_report=True)
    print(stripping)
    artifacts.save(small, options.output_dir, "stripped.keras")

    _heading(4, "Export, and read back what was written")
    calibration = data.x_train[:_CALIBRATION_ROWS]
    artifacts.export(small, options.output_dir, data.x_validation, calibration)

    _heading(5, "Compare")
    comparison = _compare(dense, gated, small, data, options)
    print(comparison)

    _heading(6, "Test, once, on images by which nothing was chosen")
    models = {"dense": dense, "gated": gated, "stripped": small}
    report = {
        "network": dense.name,
        "options": dataclasses.asdict(options),
        "training_images": len(data.x_train),
        "test_images": len(data.x_test),
        "test_accuracy": reporting.accuracies(
            models, options.output_dir, data.x_test, data.y_test
        ),
        "comparison": comparison.to_dict(),
        "stripping": stripping.to_dict(),
        "units_before": gates.num_gates,
        "units_after": reporting.units_left(gated, small),
        "open_gates": gates.history,
        "seconds": round(time.monotonic() - start, 1),
    }
    _finish(report, options)
    return report


def _prepare(image_size, options):
    """Finds out what is wrong with data and folder before the training."""
    try:
        data = datasets.load(options.dataset, image_size)
        artifacts.prepare(options.output_dir)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f"Error: {error}") from error
    return data


def _quick(data, options):
    """The first rows of the data, and three epochs."""
    rows = {
        field.name: getattr(data, field.name)[:_QUICK_ROWS]
        for field in dataclasses.fields(data)
        if field.name != "num_classes"
    }
    return (
        dataclasses.replace(data, **rows),
        dataclasses.replace(options, epochs=2, fine_tune_epochs=1),
    )


def _heading(number, text):
    print(f"\n[{number}/6] {text}", flush=True)


def _trained(build, data, options, prices=None, *callbacks):
    """A network after both phases of training; dense without `prices`."""
    keras.utils.set_random_seed(options.seed)
    model = build(data.x_train.shape[1:], data.num_classes, prices)
    _fit(model, data, options, options.epochs, callbacks)
    if options.fine_tune_epochs:
        print("Fine-tune" + (" with the gates frozen" if prices else ""))
        for vector in keras_l0.layers.gate_vectors(model).values():
            vector.trainable = False
        _fit(model, data, options, options.fine_tune_epochs, callbacks)
    return model


def _fit(model, data, options, epochs, callbacks):
    model.compile(
        _optimizer(model, epochs, data, options),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(
        data.x_train,
        data.y_train,
        batch_size=options.batch_size,
        epochs=epochs,
        validation_data=(data.x_validation, data.y_validation),
        callbacks=list(callbacks),
        # A moving bar is for a screen; a log gets one line for each epoch.
        verbose=1 if sys.stdout.isatty() else 2,
    )


def _optimizer(model, epochs, data, options):
    """Adam for the weights, and one of their own for the gates."""
    steps = epochs * -(-len(data.x_train) // options.batch_size)
    weights = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    )
    vectors = keras_l0.layers.gate_vectors(model).values()
    if not any(vector.trainable for vector in vectors):
        return weights
    gates = keras.optimizers.Adam(options.gate_learning_rate)
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(weights, {".*/logits": gates})
    )


def _compare(dense, gated, small, data, options):
    runs = 20 if options.quick else 200
    return keras_l0.compare(
        dense, gated, small, data.x_validation, quantize="int8", runs=runs
    )


def _finish(report, options):
    """Writes the report and the pictures, and says what came of it."""
    artifacts.save_json(report, options.output_dir, "report.json")
    for name, share in report["test_accuracy"].items():
        print(f"  {name:<18} {100 * share:6.2f} % right")
    reporting.draw(report, options.output_dir)
    print(
        f"\n{reporting.summary(report)}\n\nDone in "
        f"{report['seconds']:.0f} seconds. "
        f"{artifacts.listing(options.output_dir)}"
    )
