"""Models that run a graph of layers, nested ones among them."""

import itertools
from collections.abc import Mapping

import keras

from keras_l0.graph.record import refs
from keras_l0.internal import keras_internals
from keras_l0.internal import validation


def has_graph(operation: object) -> bool:
    """Whether `operation` is a model that runs a graph and nothing else."""
    if isinstance(operation, keras.Sequential):
        own_call = type(operation).call is not keras.Sequential.call
        return not own_call and bool(getattr(operation, "inputs", None))
    return keras_internals.functional_nodes(operation) is not None


def as_functional(model: object) -> keras.Model:
    """The Functional model behind `model`, or a clear refusal."""
    validation.check_built_model(model)
    if not has_graph(model):
        raise ValueError(
            f"Model '{model.name}' ({type(model).__name__}) is a subclassed "
            "model: what it computes is in its `call`, not in a graph of "
            "layers to follow. Rebuild it as a Functional model: call its "
            "layers on `keras.Input(...)` and pass input and output to "
            "`keras.Model`."
        )
    if isinstance(model, keras.Sequential):
        return keras.Model(_sole(model.inputs), _sole(model.outputs))
    return model


def in_order(inner: keras.Model, args: tuple, kwargs: dict) -> list[int]:
    """Numbers of the tensors that a call gives to each of a model's inputs."""
    given = args[0] if args else kwargs.get("inputs")
    if isinstance(given, Mapping) and not isinstance(inner.input, Mapping):
        given = [given.get(tensor.name) for tensor in inner.inputs]
    return list(refs(given))


def casts(model: keras.Model, given: str, wanted: str) -> list[str]:
    """Types that a model casts an input to, one after the other.

    A Functional model casts to the type of its input; a Sequential model casts
    floats to its own type before, as any layer does.

    Args:
        model: The model, as it is called.
        given: Type of the tensor that it is called on.
        wanted: Type of its input.
    """
    types = [given]
    if isinstance(model, keras.Sequential) and (
        keras.backend.is_float_dtype(given)
    ):
        types.append(model.compute_dtype)
    types.append(wanted)
    return [new for old, new in itertools.pairwise(types) if new != old]


def _sole(tensors):
    """One tensor for a list of one, so that the model takes no list."""
    return tensors[0] if len(tensors) == 1 else tensors
