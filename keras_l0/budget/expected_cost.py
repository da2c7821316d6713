"""What a gated model is expected to cost once it is stripped."""

import weakref

import keras
import tensorflow as tf

from keras_l0 import cost
from keras_l0.budget.cost_model import CostModel
from keras_l0.budget.cost_model import ExpectedCost
from keras_l0.surgery import strip_gates

_COST_MODELS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def expected_cost(model: keras.Model) -> ExpectedCost:
    """Expected size of the network that `strip_gates` will leave.

    A layer costs as much as its weights and multiplications that are left by
    the gates of its units and of whoever produces its inputs. Gates count with
    their probability of being open, those of different gate vectors and
    units as independent. Under a `tf.GradientTape` the result has a gradient
    by the logits.

    What stripping does beyond counting channels (biases that constants are
    folded into, branches that go as a whole, weights that are 0) is taken from
    the model as `strip_gates` would leave it now. Hence, where every gate is
    open or closed for sure, this is exactly what `keras_l0.cost.count` says
    of the stripped model.

    Args:
        model: A built Functional or Sequential model with gates.

    Returns:
        cost: An `ExpectedCost` of float64 scalars: `params`, `macs`, `bytes`.

    Raises:
        TypeError: if `model` is not a Keras model.
        ValueError: if the model has no graph, is not built or has no gates,
            or if it cannot be stripped because gates have closed every way
            from the inputs to an output.
        RuntimeError: inside of `tf.function`; use
            `keras_l0.budget.CostModel` there.

    Example:

    >>> gated = keras_l0.L0Gate(keras.layers.Dense(2))
    >>> model = keras.Sequential(
    ...     [keras.Input((4,)), gated, keras.layers.Dense(1)]
    ... )
    >>> _ = gated.gate_vector.logits.assign([50.0, -50.0])
    >>> int(keras_l0.expected_cost(model).params)
    7
    """
    if not tf.executing_eagerly():
        raise RuntimeError(
            "`expected_cost` strips the model and cannot be traced. Inside of "
            "`tf.function` call a `keras_l0.budget.CostModel`."
        )
    if model not in _COST_MODELS:
        _COST_MODELS[model] = CostModel(model)
    model_of_cost = _COST_MODELS[model]
    expected = tf.cast(model_of_cost.expected_gates(), tf.float64)
    opened = tf.cast(model_of_cost.open_gates(), tf.float64)
    stripped = cost.count(strip_gates(model))
    return ExpectedCost(
        *[
            getattr(stripped, kind) + (soft - hard)
            for kind, soft, hard in zip(
                ExpectedCost._fields,
                model_of_cost(expected),
                model_of_cost(opened),
                strict=True,
            )
        ]
    )
