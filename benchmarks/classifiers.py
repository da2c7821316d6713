"""How the benchmarks about budgets train a classifier, and what it knows."""

import dataclasses

import keras
import numpy as np

import keras_l0
from examples.datasets import Dataset

_BATCH = 64
_STEPS_PER_EXECUTION = 10


def fit(
    model: keras.Model, x: np.ndarray, y: np.ndarray, epochs: int, **kwargs
) -> None:
    """Trains with Adam; `kwargs` are further arguments of `compile`."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, **kwargs)
    model.fit(x, y, batch_size=_BATCH, epochs=epochs, verbose=0)


def compile_for_steps(
    model: keras.Model, rate: float, steps: int, jit_compile: bool = False
) -> None:
    """Compiles for Adam at a rate that falls to 0 along a cosine.

    Args:
        model: Gives logits.
        rate: The first learning rate.
        steps: Steps of the whole training.
        jit_compile: As in `compile`.
    """
    model.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(rate, steps)
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=_STEPS_PER_EXECUTION,
        jit_compile=jit_compile,
    )


def with_first(data: Dataset, count: int | None) -> Dataset:
    """The data with its first `count` training images; None: all."""
    return dataclasses.replace(
        data, x_train=data.x_train[:count], y_train=data.y_train[:count]
    )


def accuracy(model: keras.Model, x: np.ndarray, y: np.ndarray) -> float:
    """The share of examples whose class has the largest logit."""
    logits = model.predict(x, batch_size=500, verbose=0)
    return float(np.mean(logits.argmax(-1) == y))


def refresh_statistics(model: keras.Model, x: np.ndarray) -> None:
    """Takes statistics of batch normalization anew, if the model has any."""
    # Layers may be inside of others, as of `L0Gate`.
    if any(weight.name == "moving_mean" for weight in model.weights):
        keras_l0.training.recalibrate_batch_statistics(model, x)
