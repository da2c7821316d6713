"""What a copy of a model must share with it, whichever way it was made."""

import keras
import numpy as np

from tests import descriptors
from tests import test_util


def trained(row: descriptors.Row) -> keras.Model:
    """A row's model after a step of eager training."""
    model = row.model()
    model.compile(keras.optimizers.Adam(0.1), "mse", run_eagerly=True)
    step(model)
    return model


def step(model: keras.Model) -> float:
    """Goes on by a step; the loss."""
    x = descriptors.inputs()
    return model.train_on_batch(x, np.ones((len(x), 2)))


def check_same(
    test: test_util.TestCase, model: keras.Model, other: keras.Model
) -> None:
    """Same values, same draws and, going on, the same model again."""
    x = descriptors.inputs()
    for training in (False, True, True):
        test.assertAllEqual(
            other(x, training=training), model(x, training=training)
        )
        test.assertAllEqual(other.losses, model.losses)
    for variable, known in zip(other.variables, model.variables, strict=True):
        test.assertAllEqual(variable, known)


def check_independent(
    test: test_util.TestCase, model: keras.Model, other: keras.Model
) -> None:
    """What is done to the copy is not done to the model."""
    before = [variable.numpy() for variable in model.weights]
    descriptors.set_logits(other, (-1000.0, 1000.0))
    step(other)
    for variable, known in zip(model.weights, before, strict=True):
        test.assertAllEqual(variable, known)
