"""The loss of a step, example by example."""

from collections.abc import Callable

import keras
import tensorflow as tf

from keras_l0.internal import keras_internals
from keras_l0.training.draws import Draws


def splitter(
    model: keras.Model,
    draws: Draws,
    y: object,
    y_pred: object,
    sample_weight: object,
) -> Callable[[tf.Tensor], tf.Tensor]:
    """How the loss of a step is split for the estimators of its gates.

    Returns:
        split: `example_losses` where estimated gates are drawn per example.
            The identity elsewhere, and where batch statistics make every
            example's loss depend on the gates of all.
    """
    per_example = any(
        key[1] and vector.gate.estimates_gradient
        for key, vector in draws.vectors.items()
    )
    coupled = any(
        isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for layer in keras_internals.flatten_layers(model)
    )
    if not per_example or coupled:
        return lambda loss: loss
    return lambda loss: example_losses(model, y, y_pred, sample_weight, loss)


def example_losses(
    model: keras.Model,
    y: object,
    y_pred: object,
    sample_weight: object,
    total: tf.Tensor,
) -> tf.Tensor:
    """Splits the loss of a step into one share per example.

    What `total` has beyond the compiled loss (losses added by layers) may
    depend on every example and goes into every share.

    Args:
        model: A compiled model with one output.
        y: Targets `[batch, ...]`.
        y_pred: Outputs `[batch, ...]`.
        sample_weight: Weights `[batch]` or None.
        total: The loss of the step, a scalar.

    Returns:
        losses: Float32 `[batch]`. The derivative of `total` by what only
            example b sees is that of `losses[b]`.

    Raises:
        ValueError: if the loss cannot be split.
    """
    loss = keras.losses.get(model.loss) if model.loss else None
    reduction = getattr(loss, "reduction", "sum_over_batch_size")
    splits = reduction in ("sum_over_batch_size", "mean")
    if loss is None or keras.tree.is_nested(y_pred) or not splits:
        raise ValueError(
            "Gates that are drawn per example and trained by estimates need "
            "one output and one loss whose reduction is a mean. Received: "
            f"loss={model.loss!r}"
        )
    function = loss.call if isinstance(loss, keras.losses.Loss) else loss
    values = tf.cast(function(y, y_pred), tf.float32)
    values = tf.reduce_mean(values, tuple(range(1, values.shape.rank)))
    if sample_weight is not None:
        values *= tf.cast(tf.reshape(sample_weight, [-1]), tf.float32)
    shares = values / tf.cast(tf.shape(values)[0], tf.float32)
    return shares + (total - tf.reduce_sum(shares))
