"""The training inputs, for the statistics of batch normalization."""

import math

import keras
import tensorflow as tf
from absl import logging

from keras_l0.internal import keras_internals
from keras_l0.training.batch_statistics import recalibrate_batch_statistics

_BATCH_SIZE = 128


class StatisticsInputs:
    """Inputs for statistics, drawn from what `fit` was given.

    Args:
        x: As in `fit`: arrays, a nest of them, a `tf.data.Dataset` of
            `(inputs, ...)`; or something else, which is not looked into.
    """

    def __init__(self, x: object):
        self._x = x

    def recalibrate(self, model: keras.Model, batches: int) -> None:
        """Takes the statistics of batch normalization anew.

        Where that needs data that can only be read once, a warning says so.

        Args:
            model: The model.
            batches: The most batches to look at: those of a dataset, or of
                128 examples, evenly spaced, of arrays.
        """
        if not any(
            isinstance(layer, keras.layers.BatchNormalization)
            and layer.trainable
            for layer in keras_internals.flatten_layers(model)
        ):
            return
        inputs = self._inputs(batches)
        if inputs is None:
            logging.warning(
                "The training data of '%s' (%s) is read as it comes, so that "
                "statistics of batch normalization are not taken anew: call "
                "`keras_l0.training.recalibrate_batch_statistics` after `fit`.",
                model.name,
                type(self._x).__name__,
            )
            return
        recalibrate_batch_statistics(model, inputs, _BATCH_SIZE)

    def _inputs(self, batches):
        """At most so many batches, or None."""
        if isinstance(self._x, tf.data.Dataset):
            return self._x.take(batches).map(_first)
        leaves = keras.tree.flatten(self._x)
        if not leaves or not all(hasattr(a, "shape") for a in leaves):
            return None
        stride = max(1, math.ceil(len(leaves[0]) / (batches * _BATCH_SIZE)))
        return keras.tree.map_structure(lambda a: a[::stride], self._x)


def _first(*element):
    """The inputs of `(inputs, targets, weights)`."""
    inputs, *_ = keras.utils.unpack_x_y_sample_weight(
        element if len(element) > 1 else element[0]
    )
    return inputs
