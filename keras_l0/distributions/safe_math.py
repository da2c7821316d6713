"""Functions whose gradients stay finite at the ends of their domains."""

import numpy as np
import tensorflow as tf


def safe_sqrt(x: tf.Tensor) -> tf.Tensor:
    """Square root with gradient 0, not NaN, where x is 0."""
    positive = x > 0
    root = tf.sqrt(tf.where(positive, x, tf.ones_like(x)))
    return tf.where(positive, root, tf.zeros_like(x))


def safe_log(x: tf.Tensor) -> tf.Tensor:
    """Logarithm, -inf with gradient 0, not inf, where x is 0."""
    positive = x > 0
    log = tf.math.log(tf.where(positive, x, tf.ones_like(x)))
    return tf.where(positive, log, tf.constant(-np.inf, x.dtype))
