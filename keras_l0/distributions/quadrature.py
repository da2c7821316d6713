"""Quadrature rules with fixed nodes."""

import numpy as np
import tensorflow as tf

_GAUSS_NODES, _GAUSS_WEIGHTS = np.polynomial.legendre.leggauss(64)
_LINE_STEP = 0.25
_LINE_NODES = np.arange(-40, 40 + _LINE_STEP, _LINE_STEP)


def gauss_legendre(
    low: tf.Tensor, high: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """64-point Gauss-Legendre rule on (low, high).

    It converges geometrically for a function that is analytic around the
    interval.

    Args:
        low: Float tensor `[..., 1]`.
        high: Float tensor `[..., 1]`.

    Returns:
        nodes: Float tensor `[..., 64]`.
        weights: Float tensor `[..., 64]`.
    """
    nodes = tf.constant((_GAUSS_NODES + 1) / 2, low.dtype)
    weights = tf.constant(_GAUSS_WEIGHTS / 2, low.dtype)
    return low + (high - low) * nodes, (high - low) * weights


def sigmoid_trapezoid(dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor]:
    """Trapezoid rule on the line t for integrals over y = sigmoid(t).

    The substitution turns singularities at the ends of (0, 1) into
    exponential decay, and there the trapezoid rule converges geometrically.

    Args:
        dtype: Float dtype of the result.

    Returns:
        nodes: Float tensor `[321]`, the values of t.
        weights: Float tensor `[321]`, step * dy/dt.
    """
    nodes = tf.constant(_LINE_NODES, dtype)
    weights = _LINE_STEP / (2 + 2 * np.cosh(_LINE_NODES))
    return nodes, tf.constant(weights, dtype)
