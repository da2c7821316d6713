"""Reads event files, for the tests of what is written for TensorBoard."""

import os

import numpy as np
import tensorflow as tf


def read(folder: str) -> dict[str, dict[int, np.ndarray]]:
    """Tag -> step -> value, over all files in `folder`."""
    found: dict[str, dict[int, np.ndarray]] = {}
    for value, event in _values(folder):
        steps = found.setdefault(value.tag, {})
        steps[event.step] = tf.make_ndarray(value.tensor)
    return found


def plugins(folder: str) -> dict[str, str]:
    """Tag -> the plugin of TensorBoard that shows it."""
    return {
        value.tag: value.metadata.plugin_data.plugin_name
        for value, _ in _values(folder)
        if value.metadata.plugin_data.plugin_name
    }


def _values(folder):
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    for record in tf.data.TFRecordDataset(paths):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            yield value, event
