"""The optimizers of a phase: one for all, or one each for weights and gates."""

import math

import keras

import keras_l0
from benchmarks.recipe import Phase
from benchmarks.recipe import Recipe


def arguments(
    model: keras.Model, phase: Phase, recipe: Recipe, num_examples: int
) -> dict:
    """What `compile` is given for a phase.

    Args:
        model: The model that will be compiled.
        phase: The phase.
        recipe: Its recipe.
        num_examples: Number of training examples.

    Returns:
        arguments: `optimizer`, and `gate_optimizer` for an `L0Model` whose
            gates train.
    """
    steps = phase.epochs * math.ceil(num_examples / recipe.batch_size)

    def adam(rate):
        if phase.cosine:
            rate = keras.optimizers.schedules.CosineDecay(rate, steps)
        averaging = {}
        if recipe.averaging is not None:
            averaging = {"use_ema": True, "ema_momentum": recipe.averaging}
        return keras.optimizers.Adam(rate, **averaging)

    weights = adam(phase.learning_rate)
    if phase.frozen or phase.gate_learning_rate is None:
        return {"optimizer": weights}
    gates = adam(phase.gate_learning_rate)
    if isinstance(model, keras_l0.L0Model):
        return {"optimizer": weights, "gate_optimizer": gates}
    return {
        "optimizer": keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(weights, {".*/logits": gates})
        )
    }
