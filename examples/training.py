"""What the examples share: flags, and the way from training to the report."""

import contextlib
import dataclasses
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf
from absl import flags

import keras_l0
from examples import datasets

_QUICK_ROWS = 256
_ROWS_AT_ONCE = 500


@dataclasses.dataclass(frozen=True)
class Options:
    """What the flags say; `define_flags` says what they mean."""

    l0: tuple[float, ...]
    epochs: int
    fine_tune_epochs: int
    gate_learning_rate: float
    dataset: str = "digits"
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    output_dir: str = "out"
    quick: bool = False


def define_flags(
    defaults: Options, flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Defines one flag per option. A program does so; importing it does not."""

    def define(kind, name, *arguments):
        default = getattr(defaults, name)
        kind(name, default, *arguments, flag_values=flag_values)

    define(flags.DEFINE_enum, "dataset", datasets.NAMES, "What to train on.")
    define(flags.DEFINE_integer, "epochs", "Epochs with gates drawn.", 1)
    define(
        flags.DEFINE_integer,
        "fine_tune_epochs",
        "Epochs with the gates frozen, after the others.",
        0,
    )
    define(flags.DEFINE_integer, "batch_size", "Examples per step.", 1)
    define(
        flags.DEFINE_float,
        "learning_rate",
        "Adam's, for weights; it falls to 0 along a cosine.",
        0,
    )
    define(flags.DEFINE_float, "gate_learning_rate", "Adam's, for gates.", 0)
    define(
        flags.DEFINE_list,
        "l0",
        "The papers' lambda, one for each gated layer or one for all: the "
        "price of a weight times the number of training examples.",
    )
    define(flags.DEFINE_integer, "seed", "Seed of all that is random.")
    define(flags.DEFINE_string, "output_dir", "Folder for all that is written.")
    define(
        flags.DEFINE_boolean,
        "quick",
        "A few images and epochs only, to see that everything works.",
    )
    flags.register_validator(
        "l0",
        lambda texts: _prices(texts, len(defaults.l0)) is not None,
        f"must be {len(defaults.l0)} numbers that are not negative, or one",
        flag_values,
    )


def parsed_options(
    defaults: Options, flag_values: flags.FlagValues = flags.FLAGS
) -> Options:
    """The options that were chosen by the flags."""
    values = {
        field.name: flag_values[field.name].value
        for field in dataclasses.fields(Options)
    }
    values["l0"] = _prices(values["l0"], len(defaults.l0))
    return Options(**values)


def _prices(texts, count):
    """The numbers, `count` of them; None if they are not such numbers."""
    try:
        prices = tuple(float(text) for text in texts)
    except ValueError:
        return None
    if len(prices) not in (1, count) or not all(p >= 0 for p in prices):
        return None
    return prices * (count // len(prices))


def run(
    build: Callable[..., keras.Model], image_size: int, options: Options
) -> dict:
    """Trains, strips, exports, compares and reports; see the README.

    Args:
        build: `build(image_shape, num_classes, l0)` returns a network that
            gives logits: gated, with these prices of a weight for each gated
            layer, or dense if `l0` is None.
        image_size: Least height and width of the images; others are enlarged.
        options: What to do.

    Returns:
        report: What `report.json` holds.
    """
    start = time.monotonic()
    try:
        data = datasets.load(options.dataset, image_size)
        os.makedirs(options.output_dir, exist_ok=True)
    except (ImportError, OSError, ValueError) as error:
        raise SystemExit(f"Error: {error}") from error
    if options.quick:
        data, options = _quick(data, options)
    shape, classes = data.x_train.shape[1:], data.num_classes

    _heading(1, "Train the dense network, to compare with")
    keras.utils.set_random_seed(options.seed)
    dense = build(shape, classes, None)
    _fit(dense, data, options)
    _save(dense, options, "dense.keras")

    _heading(2, "Train the same network with gates")
    keras.utils.set_random_seed(options.seed)
    prices = [price / len(data.x_train) for price in options.l0]
    gated = build(shape, classes, prices)
    gates = keras_l0.callbacks.GateHistory()
    _fit(gated, data, options, gates)
    _save(gated, options, "gated.keras")

    _heading(3, "Strip: remove the units that the gates have closed")
    small, stripping = keras_l0.strip_gates(gated, return_report=True)
    print(stripping)
    _save(small, options, "stripped.keras")

    _heading(4, "Export")
    files = _export(small, gated, data, options)

    _heading(5, "Compare")
    comparison = keras_l0.compare(
        dense,
        gated,
        small,
        data.x_validation,
        quantize="int8",
        runs=20 if options.quick else 200,
    )
    print(comparison)

    _heading(6, "Test, once, on images that nothing was chosen by")
    accuracy = _accuracies(dense, gated, small, files, data)
    report = {
        "network": dense.name,
        "options": dataclasses.asdict(options),
        "examples": _sizes(data),
        "test_accuracy": accuracy,
        "comparison": comparison.to_dict(),
        "stripping": stripping.to_dict(),
        "num_gates": gates.num_gates,
        "open_gates": gates.history,
        "seconds": round(time.monotonic() - start, 1),
    }
    _write_report(report, options)
    _draw(gated, small, gates, report, options)
    _say_farewell(report, options)
    return report
