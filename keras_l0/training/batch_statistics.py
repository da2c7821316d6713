"""Statistics of batch normalization, taken again after gates have changed."""

import keras
import numpy as np

from keras_l0.internal import keras_internals


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
    norms = [
        layer
        for layer in keras_internals.flatten_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]
    if not norms:
        raise ValueError(
            f"Model '{model.name}' has no BatchNormalization that trains."
        )
    statistics = [v for n in norms for v in (n.moving_mean, n.moving_variance)]
    others = [
        (v, v.numpy())
        for v in model.non_trainable_variables
        if not any(v is known for known in statistics)
    ]
    momenta = [norm.momentum for norm in norms]
    vectors = [
        layer
        for layer in keras_internals.flatten_layers(model)
        if hasattr(layer, "deterministic_gate") and layer.trainable
    ]
    try:
        for norm in norms:
            norm.momentum = 0.0
        for vector in vectors:
            vector.trainable = False
        totals, batches = [0.0] * len(statistics), 0
        for batch in _batches(x, batch_size):
            model(batch, training=True)
            totals = [
                t + np.asarray(v.numpy(), "float64")
                for t, v in zip(totals, statistics, strict=True)
            ]
            batches += 1
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for vector in vectors:
            vector.trainable = True
        for variable, value in others:
            variable.assign(value)
    if not batches:
        raise ValueError("`x` has no batch.")
    for variable, total in zip(statistics, totals, strict=True):
        variable.assign((total / batches).astype("float32"))


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
