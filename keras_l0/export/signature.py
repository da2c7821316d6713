"""Names and structure of a model's inputs and outputs in what is exported."""

import re

import keras

from keras_l0.internal.model_runner import input_structure


def output_structure(model: keras.Model) -> object:
    """The model's outputs as its call returns them."""
    if isinstance(model, keras.Sequential):
        return model.outputs[0]
    return model.output


def input_names(model: keras.Model) -> list[str]:
    """Names of the inputs, changed where TensorFlow would not take them."""
    names: list[str] = []
    for tensor in model.inputs:
        name = re.sub(r"\W", "_", tensor.name, flags=re.ASCII)
        name = name if name[:1].isalpha() else f"input_{name}"
        names.append(f"{name}_{len(names)}" if name in names else name)
    return names


def output_names(model: keras.Model) -> list[str]:
    """Names by which exported signatures know the outputs, in their order."""
    if isinstance(output_structure(model), dict):
        return sorted(model.output)
    return [f"output_{number}" for number in range(len(model.outputs))]


def with_plain_names(model: keras.Model) -> keras.Model:
    """`model`, or the same behind inputs whose names TensorFlow takes."""
    names = input_names(model)
    if names == [tensor.name for tensor in model.inputs]:
        return model
    fresh = [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
        for name, tensor in zip(names, model.inputs, strict=True)
    ]
    structured = keras.tree.pack_sequence_as(input_structure(model), fresh)
    return keras.Model(structured, model(structured))


def with_flat_inputs(model: keras.Model) -> keras.Model:
    """The same model; it takes the list of its inputs instead of a dict."""
    return keras.Model(model.inputs, output_structure(model))
