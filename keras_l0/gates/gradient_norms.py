"""Gradients of gates, normalized feature by feature."""

import math

import tensorflow as tf

# A gradient of zeros stays 0; float32's least normal number is 1e-38.
_EPSILON = 1e-20


def _max(gradient):
    return tf.reduce_max(tf.abs(gradient), axis=0, keepdims=True)


def _l2(gradient):
    # Squares of very large or small numbers leave float32.
    largest = _max(gradient)
    ratio = tf.math.divide_no_nan(gradient, largest)
    return largest * tf.norm(ratio, axis=0, keepdims=True)


def _rms(gradient):
    return _l2(gradient) / math.sqrt(gradient.shape[0])


NORMS = {"l2": _l2, "rms": _rms, "max": _max, None: None}


def normalize_gradient(
    logits: tf.Tensor,
    features: list[tuple[int, int]],
    norm,
    loss_scale: tf.Tensor | float,
) -> tf.Tensor:
    """Identity whose gradient is divided by its norm, feature by feature.

    Args:
        logits: Float32 tensor `[num_gates]`.
        features: `(rows, features)` of each piece of `logits` in turn.
        norm: An entry of `NORMS`; None leaves the gradient as it is.
        loss_scale: What the loss was multiplied with. The result is
            multiplied with it too, since an optimizer will divide by it.

    Returns:
        logits: The same values.
    """
    if norm is None:
        return logits

    @tf.custom_gradient
    def identity(x):
        def backward(upstream):
            sizes = [rows * columns for rows, columns in features]
            pieces = [
                tf.reshape(_normalized(tf.reshape(piece, shape), norm), [-1])
                for piece, shape in zip(
                    tf.split(upstream, sizes), features, strict=True
                )
            ]
            return loss_scale * tf.concat(pieces, 0)

        return tf.identity(x), backward

    return identity(logits)


def _normalized(gradient, norm):
    return gradient / (norm(gradient) + _EPSILON)
