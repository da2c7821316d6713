"""Writes the events that TensorBoard reads.

TensorFlow comes without TensorBoard, and `tf.summary.scalar` and `histogram`
are TensorBoard's. What they write is little: `tf.summary.write` writes the same
where it is missing.
"""

import numpy as np
import tensorflow as tf

_BUCKETS = 30


def scalar(tag: str, value: float) -> None:
    """Writes a number; as `tf.summary.scalar`.

    Args:
        tag: Name of the curve.
        value: Number.
    """
    _write(tag, "scalars", "DATA_CLASS_SCALAR", np.float32(value))


def histogram(tag: str, values: np.ndarray) -> None:
    """Writes how values are distributed; as `tf.summary.histogram`.

    Args:
        tag: Name of the histogram.
        values: Array of any shape. Entries that are not finite are left out.
    """
    finite = np.asarray(values, "float64")[np.isfinite(values)]
    counts, edges = np.histogram(finite, _BUCKETS)
    buckets = np.stack([edges[:-1], edges[1:], counts], axis=1)
    _write(tag, "histograms", "DATA_CLASS_TENSOR", buckets)


def _write(tag, plugin, data_class, value):
    metadata = tf.compat.v1.SummaryMetadata(data_class=data_class)
    metadata.plugin_data.plugin_name = plugin
    tf.summary.write(tag, value, metadata=metadata)
