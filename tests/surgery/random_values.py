"""Values that let no mistake hide: wide weights, mixed gates, varied inputs.

With Keras' own initializers a deep network barely depends on its weights. Here
every weight is large enough to matter, no bias or mean is 0, and gates take
the values 0, 1 and those between.
"""

import keras
import numpy as np

import keras_l0

# Beyond +-log(11) the paper's rule gives exactly 0 or 1.
CLOSED, OPEN = -4.0, 4.0


def widen(model: keras.Model, rng: np.random.Generator) -> None:
    """Gives every weight of `model` a value that matters, gates excepted."""
    for variable in model.weights:
        if not _belongs_to_gate(variable, model):
            variable.assign(_wide(variable, rng))


def _belongs_to_gate(variable, model):
    own = []
    for gate in keras_l0.layers.gate_layers(model):
        own += [gate.gate_vector.logits, gate.l0, gate.l2]
    return any(variable is v for v in own)


def _wide(variable, rng):
    shape, name = tuple(variable.shape), variable.name
    if name == "moving_variance":
        return rng.uniform(0.5, 1.5, shape)
    if name == "gamma":
        return rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)
    if len(shape) < 2:
        return rng.normal(0.3, 0.3, shape)
    fan_in = np.prod(shape[:-1])
    return rng.normal(0, 1.5 / np.sqrt(fan_in), shape)


def zero_some(model: keras.Model, rng: np.random.Generator) -> None:
    """Sets a part of the rows and columns of some kernels to 0."""
    for layer in model.layers:
        for variable in layer.weights:
            if "kernel" in variable.name and rng.random() < 0.3:
                kernel = variable.numpy().copy()
                kernel[..., rng.random(kernel.shape[-1]) < 0.3] = 0
                kernel[..., rng.random(kernel.shape[-2]) < 0.3, :] = 0
                variable.assign(kernel)


def mix_gates(model: keras.Model, rng: np.random.Generator) -> None:
    """Sets every gate to 0, 1 or a value between."""
    for vector in keras_l0.layers.gate_vectors(model).values():
        size = vector.num_gates
        soft = rng.uniform(-2.0, 2.0, size)
        kinds = rng.choice(3, size, p=rng.dirichlet([1.0, 1.0, 1.0]))
        logits = np.choose(kinds, [CLOSED, soft, OPEN])
        if (kinds == 0).all() and rng.random() < 0.7:
            logits[rng.integers(size)] = OPEN
        if vector.name.startswith("dead"):
            logits = np.full(size, CLOSED)
        vector.logits.assign(logits)


def inputs_for(
    model: keras.Model, rng: np.random.Generator, rows: int = 4
) -> list[np.ndarray]:
    """One array per input, whose rows differ in level and contrast."""
    arrays = []
    for tensor in model.inputs:
        shape = (rows, *tensor.shape[1:])
        each = (rows, *[1] * (len(shape) - 1))
        values = rng.normal(0, 1, shape) * rng.uniform(0.5, 2.0, each)
        values += rng.normal(0, 1, each)
        arrays.append(values.astype(tensor.dtype))
    return arrays
