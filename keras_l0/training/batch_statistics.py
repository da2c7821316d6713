"""Statistics of batch normalization, taken again after gates have changed."""

import contextlib

import keras

from keras_l0.internal import keras_internals
from keras_l0.layers import GateVector


def recalibrate_batch_statistics(
    model: keras.Model, x: object, batch_size: int = 128
) -> None:
    """Sets the moving statistics of batch normalization to those of `x`.

    While gates are drawn, moving averages mix what open and closed gates let
    through; in inference the gates are deterministic. This runs the model
    over `x` with deterministic gates and replaces every moving mean and
    variance by the average over the batches. Nothing else changes: no seed,
    no weight.

    Args:
        model: A built model. Gated or not.
        x: Inputs as in `keras.Model.fit`: an array, a nest of arrays, or a
            `tf.data.Dataset` of batches of inputs.
        batch_size: Examples per batch where `x` is arrays.

    Raises:
        ValueError: if the model has no `BatchNormalization` that trains, or
            `x` has no batch.

    Example:

    >>> model = keras.Sequential([
    ...     keras.Input((2,)), keras.layers.BatchNormalization()
    ... ])
    >>> x = np.array([[0.0, 1.0], [2.0, 5.0]], "float32")
    >>> keras_l0.training.recalibrate_batch_statistics(model, x)
    >>> model.layers[0].moving_mean.numpy()
    array([1., 3.], dtype=float32)
    """
    norms = _layers(model, keras.layers.BatchNormalization)
    if not norms:
        raise ValueError(
            f"Model '{model.name}' has no BatchNormalization that trains."
        )
    statistics = [v for n in norms for v in (n.moving_mean, n.moving_variance)]
    with contextlib.ExitStack() as stack:
        for norm in norms:
            stack.enter_context(_attribute(norm, "momentum", 0.0))
        for vector in _layers(model, GateVector):
            stack.enter_context(_attribute(vector, "trainable", False))
        stack.enter_context(_unchanged(model, statistics))
        averages = _averages(model, statistics, _batches(x, batch_size))
    for variable, average in zip(statistics, averages, strict=True):
        variable.assign(average)


def _layers(model, cls):
    return [
        layer
        for layer in keras_internals.flatten_layers(model)
        if isinstance(layer, cls) and layer.trainable
    ]


@contextlib.contextmanager
def _attribute(owner, name, value):
    """Sets an attribute for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _unchanged(model, statistics):
    """Puts back whatever else a pass in training mode changes: seeds."""
    known = {id(variable) for variable in statistics}
    before = [
        (v, v.numpy())
        for v in model.non_trainable_variables
        if id(v) not in known
    ]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def _averages(model, statistics, batches):
    totals, count = [0.0] * len(statistics), 0
    for batch in batches:
        model(batch, training=True)
        totals = [
            total + v.numpy().astype("float64")
            for total, v in zip(totals, statistics, strict=True)
        ]
        count += 1
    if not count:
        raise ValueError("`x` has no batch.")
    return [(total / count).astype("float32") for total in totals]


def _batches(x, batch_size):
    if hasattr(x, "element_spec"):
        yield from x
        return
    leaves = keras.tree.flatten(x)
    for start in range(0, len(leaves[0]), batch_size):
        yield keras.tree.map_structure(
            lambda leaf, start=start: keras.ops.convert_to_tensor(
                leaf[start : start + batch_size]
            ),
            x,
        )
