"""Input data for running a model: what a user gave, or what is made up."""

from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from keras_l0.internal import keras_internals
from keras_l0.internal import validation

# Size that stands for one that the model leaves open (time steps, pixels).
_OPEN_SIZE = 32
_SEED = 17


def check_graph(model: keras.Model) -> keras.Model:
    """Returns `model` if its inputs and outputs are known.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if it is subclassed, or not built yet.
    """
    validation.check_built_model(model)
    if not getattr(model, "inputs", None) or not model.outputs:
        raise ValueError(
            "`model` must be a Sequential or Functional model: a subclassed "
            "one has no graph. Build it with `keras.Model(inputs, outputs)`. "
            f"Received: model='{model.name}' ({type(model).__name__})"
        )
    return model


def batch_size(model: keras.Model) -> int | None:
    """The batch size that the model's inputs prescribe, or None."""
    return model.inputs[0].shape[0]


def made_up(model: keras.Model, rows: int) -> list[np.ndarray]:
    """Seeded random data that fits the model's inputs.

    Floats are drawn from N(0, 1). Integers are 0 or 1, which every embedding
    and every lookup can take; so are the floats of a model with an
    `Embedding`, which may read them as indices. Sizes that the model leaves
    open are 32.

    Args:
        model: A Sequential or Functional model.
        rows: Number of examples; the model's own batch size comes first.

    Returns:
        arrays: One per input, in the order of `model.inputs`.

    Raises:
        ValueError: if an input is neither a number nor boolean.
    """
    generator = np.random.default_rng(_SEED)
    indices = any(
        isinstance(layer, keras.layers.Embedding)
        for layer in keras_internals.flatten_layers(model)
    )
    rows = batch_size(model) or rows
    return [
        _random(generator, tensor, rows, indices) for tensor in model.inputs
    ]


def _random(generator, tensor, rows, indices):
    shape = (rows, *(_OPEN_SIZE if s is None else s for s in tensor.shape[1:]))
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if dtype == "string":
        raise ValueError(
            f"Data for the string input '{tensor.name}' cannot be made up. "
            "Pass some as `probe`."
        )
    if keras.backend.is_float_dtype(dtype) and not indices:
        values = generator.standard_normal(shape)
    else:
        values = generator.integers(0, 2, shape)
    # A Keras dtype may be one that NumPy does not know (bfloat16).
    return keras.ops.convert_to_numpy(keras.ops.cast(values, dtype))


def as_arrays(model: keras.Model, data: object, name: str) -> list[np.ndarray]:
    """Checks data that a user gave against the model's inputs.

    Args:
        model: A Sequential or Functional model.
        data: Array `[n, ...]`; for several inputs a list or tuple in their
            order, or a dict by their names.
        name: Name of the argument, for messages.

    Returns:
        arrays: One per input, in the order of `model.inputs`, of its type.

    Raises:
        TypeError: if `data` is not made of arrays.
        ValueError: if a shape does not fit, the numbers of rows differ, there
            are fewer rows than one batch, or a value is not finite.
    """
    given = _in_order(model, data, name)
    arrays = [
        _fit(array, tensor, name, _where(model, tensor))
        for array, tensor in zip(given, model.inputs, strict=True)
    ]
    rows = [len(array) for array in arrays]
    if len(set(rows)) > 1:
        raise ValueError(
            f"`{name}` must have as many examples for each input. "
            f"Received: {dict(zip(_names(model), rows, strict=True))}"
        )
    needed = batch_size(model) or 1
    if rows[0] < needed:
        raise ValueError(
            f"`{name}` must hold at least {needed} example"
            f"{'s, one batch of the model' if needed > 1 else ''}. "
            f"Received: {rows[0]}"
        )
    return arrays


def _names(model):
    return [tensor.name for tensor in model.inputs]


def _in_order(model, data, name):
    """The data of each input, in the order of `model.inputs`."""
    names = _names(model)
    if isinstance(data, Mapping):
        if sorted(data) != sorted(names):
            raise ValueError(
                f"`{name}` must have one entry for each of the model's inputs "
                f"{tuple(names)}. Received: {tuple(data)}"
            )
        return [data[key] for key in names]
    if len(names) == 1:
        return [data]
    if not isinstance(data, Sequence) or len(data) != len(names):
        given = len(data) if isinstance(data, Sequence) else 1
        raise ValueError(
            f"`{name}` must be a list of {len(names)} arrays, or a dict of "
            f"them, for the inputs {tuple(names)}. Received: {given}"
        )
    return list(data)


def _where(model, tensor):
    """Which input is meant, where there are several."""
    return f" for the input '{tensor.name}'" if len(model.inputs) > 1 else ""


def _fit(data, tensor, name, where):
    """`data` as an array of the input's type, if its shape fits."""
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    try:
        array = np.asarray(data)
    except ValueError:  # rows of unequal length
        array = np.empty((), object)
    if dtype != "string" and array.dtype.kind not in "fiub":
        raise TypeError(
            f"`{name}` must be an array of numbers{where}. "
            f"Received: {type(data).__name__}"
        )
    expected = tensor.shape[1:]
    fits = array.ndim == len(expected) + 1 and all(
        size is None or size == given
        for size, given in zip(expected, array.shape[1:], strict=True)
    )
    if not fits:
        sizes = ("n", *expected)
        raise ValueError(
            f"`{name}` must have the shape ({', '.join(map(str, sizes))})"
            f"{where}. Received: shape={array.shape}"
        )
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        raise ValueError(f"`{name}` must be finite. It holds NaN or infinity.")
    return keras.ops.convert_to_numpy(keras.ops.cast(array, dtype))
