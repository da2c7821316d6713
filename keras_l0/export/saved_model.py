"""Exports a model as a TensorFlow SavedModel."""

import errno
import os

import keras
import tensorflow as tf

from keras_l0.export import precision
from keras_l0.export import runners
from keras_l0.export import signature
from keras_l0.export import verification
from keras_l0.export.result import ExportResult
from keras_l0.export.stock import stock_model
from keras_l0.internal import agreement
from keras_l0.internal import files
from keras_l0.internal import inputs
from keras_l0.internal import keras_internals
from keras_l0.internal import model_runner

# What TensorFlow and Keras put into the folder of a SavedModel.
_CONTENT = ("assets", "fingerprint.pb", "saved_model.pb", "variables")
# What TensorFlow makes of them.
_NUMBERS = {
    tf.errors.ResourceExhaustedError: errno.ENOSPC,
    tf.errors.OutOfRangeError: errno.EFBIG,
}


def export_saved_model(
    model: keras.Model,
    filepath: str | os.PathLike,
    *,
    probe: object = None,
) -> ExportResult:
    """Writes a model as a SavedModel, for TensorFlow Serving and the like.

    A gated model is stripped first. The folder is written under a temporary
    name, loaded again and run: only if its outputs agree with those of `model`
    in inference mode is it renamed to `filepath`. `tf.saved_model.load` reads
    it where keras_l0 is not installed.

    Args:
        model: A built Sequential or Functional model, gated or not.
        filepath: Path of the folder to write; the folder above it must exist.
            A SavedModel that is there is replaced.
        probe: Input data for the check, `[n, ...]`; for several inputs a list,
            or a dict by name. None makes up seeded random data. Defaults to
            None.

    Returns:
        result: An `ExportResult`.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if the model has no graph, or `probe` does not fit it.
        OSError: if `filepath` cannot be written, or holds other files.
        RuntimeError: if an output differs from the model's by more than 1e-4
            of its scale (1e-9 for a float64 model, 5e-2 for float16, 2e-1 for
            bfloat16), the scale being its largest absolute value.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(3, activation="relu"))
    >>> model = keras.Sequential(
    ...     [keras.Input((2,)), gated, keras.layers.Dense(1)])
    >>> result = keras_l0.export_saved_model(model, "saved_model")
    >>> result.max_difference < 1e-5
    True
    """
    inputs.check_graph(model)
    data = verification.probe_data(model, probe)
    tolerance = agreement.TOLERANCES[
        precision.coarsest(precision.compute_dtypes(model))
    ]
    with files.atomic_directory(filepath, expected=_CONTENT) as temporary:
        write_saved_model(model, temporary)
        found = verification.verify(
            model,
            runners.saved_model_runner(temporary, model),
            data,
            tolerance,
            "SavedModel",
        )
        size = files.size_in_bytes(temporary)
    return ExportResult(
        path=os.fspath(filepath),
        format="SavedModel",
        bytes=size,
        max_difference=found.max_difference,
        max_reference=found.max_reference,
    )


def write_saved_model(model: keras.Model, folder: str) -> None:
    """Fills `folder` with the SavedModel of the stripped model, unchecked.

    As `keras.Model.export`, which stores every weight twice: once for the
    function that uses it and once for the model that holds it. Here a layer is
    tracked for its look-up tables only, if it has any.
    """
    plain = signature.with_plain_names(stock_model(model))
    archive = keras.export.ExportArchive()
    for layer in keras_internals.flatten_layers(plain):
        if not layer.variables:
            archive.track(layer)
    archive.add_endpoint(
        "serve",
        lambda structure: plain(structure, training=False),
        input_signature=[
            keras.tree.map_structure(
                _tensor_spec, model_runner.input_structure(plain)
            )
        ],
    )
    _write_out(archive, folder)


def _write_out(archive, folder):
    """Writes; TensorFlow has errors of its own for a disk that is full."""
    try:
        archive.write_out(folder, verbose=False)
    except tuple(_NUMBERS) as error:
        number = _NUMBERS[type(error)]
        raise OSError(number, os.strerror(number), folder) from error


def _tensor_spec(tensor):
    return tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name)
