"""Makes random networks of everything that has a strip rule, and barriers.

The same seed makes the same network, so that a failure can be had again.
"""

import dataclasses

import keras
import numpy as np
from keras import layers

import keras_l0
from tests.surgery import random_layers
from tests.surgery import random_values

INPUT_SHAPES = ((5,), (6, 3), (5, 4, 3), (4, 3, 3, 2))
FINAL_ACTIVATIONS = (*random_layers.ACTIVATIONS, "exponential", "softmax")


@dataclasses.dataclass(frozen=True)
class Case:
    """A gated model with weights and gates that matter, and inputs for it."""

    model: keras.Model
    inputs: list[np.ndarray]


def random_case(seed: int, size: int = 10) -> Case:
    """The network with number `seed`, in the type of the dtype policy.

    Args:
        seed: Any number.
        size: How many layers it has, more or less.
    """
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    model = Maker(rng).model(size)
    random_values.widen(model, rng)
    random_values.zero_some(model, rng)
    random_values.mix_gates(model, rng)
    return Case(model, random_values.inputs_for(model, rng))


def random_options(seed: int) -> dict:
    """Options of `strip_gates` for network number `seed`."""
    choices = ({}, {}, {"round_to": 3}, {"min_units": 2}, {"keep_gates": True})
    return choices[seed % len(choices)]


# Why a network may be refused.
REFUSALS = (
    "would cut the model",
    "`keep_gates` needs gates of units",
    "`keep_gates` cannot part the gates",
)


class Maker:
    """Grows a pool of tensors, one random layer at a time."""

    def __init__(self, rng, inside=False):
        self.rng = rng
        self.inside = inside
        self.pool = []
        self.used = []  # (layer, shape of its input), to be called again
        self.vectors = {}  # number of gates -> a gate vector to share

    def model(self, size, shape=None):
        number = 1 if shape or self.chance(0.7) else 2
        shapes = [shape or self.pick(INPUT_SHAPES) for _ in range(number)]
        inputs = [keras.Input(s, dtype=_dtype()) for s in shapes]
        self.pool = list(inputs)
        self.grow(size)
        outputs = self.outputs()
        return keras.Model(
            inputs if number > 1 else inputs[0],
            outputs if len(outputs) > 1 else outputs[0],
        )

    def inner_model(self, shape):
        size = int(self.rng.integers(2, 4))
        return Maker(self.rng, inside=True).model(size, shape)

    def grow(self, size):
        size += len(self.pool)
        while len(self.pool) < size:
            step = self.pick(random_layers.STEPS)
            # Mostly go on from the newest tensors, so that graphs are deep.
            back = min(self.rng.geometric(0.5), len(self.pool))
            grown = step(self, self.pool[-back])
            self.pool += [] if grown is None else [grown]

    def outputs(self):
        if self.inside:
            return [self.pool[-1]]
        chosen = [self.pool[-1]]
        while self.chance(0.3):
            chosen.append(self.pick(self.pool))
        return [self.head(x) if self.chance(0.5) else x for x in chosen]

    def head(self, x):
        activation = self.pick(FINAL_ACTIVATIONS)
        if len(x.shape) > 2 and self.chance(0.5):
            x = layers.Flatten()(x)
        return layers.Dense(3, activation=activation)(x)

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def chance(self, probability):
        return self.rng.random() < probability

    def few(self):
        return int(self.rng.integers(2, 6))

    def like(self, x):
        """A tensor of the shape of `x`, perhaps `x` itself."""
        return self.pick([y for y in self.pool if y.shape == x.shape])

    def call(self, layer, x):
        """Calls a layer, perhaps behind gates; `x` may be a list."""
        if self.chance(0.5):
            layer = self.gated(layer, x)
        if not isinstance(x, list):
            self.used.append((layer, x.shape))
        return layer(x)

    def gated(self, layer, x):
        axis = 1 if self.chance(0.1) else -1
        choices = ["outputs"]
        if not isinstance(x, list):
            choices.append("inputs")
            if isinstance(layer, layers.Dense | layers.Conv1D | layers.Conv2D):
                choices.append("weights")
        on = self.pick(choices)
        if on == "weights":
            return keras_l0.L0Gate(layer, on=on)
        shape = getattr(x, "shape", None)
        if on == "outputs":
            shapes = [t.shape for t in x] if isinstance(x, list) else x.shape
            shape = layer.compute_output_shape(shapes)
        vector = self.vector(shape[axis]) if self.chance(0.3) else None
        gate = keras_l0.L0Gate(layer, on=on, axis=axis, gate_vector=vector)
        if not isinstance(x, list) and self.chance(0.1):
            return keras_l0.L0Gate(gate, on="inputs")
        return gate

    def vector(self, size):
        if size not in self.vectors:
            self.vectors[size] = keras_l0.GateVector()
        return self.vectors[size]


def _dtype():
    return keras.config.dtype_policy().compute_dtype
