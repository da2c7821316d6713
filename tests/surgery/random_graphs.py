"""Makes random networks of everything that has a strip rule, and barriers.

The same seed makes the same network, so that a failure can be had again.
"""

import dataclasses
import functools

import keras
import numpy as np
from keras import layers
from keras import ops

import keras_l0
from tests.surgery import random_values

INPUT_SHAPES = ((5,), (6, 3), (5, 4, 3), (4, 3, 3, 2))
ACTIVATIONS = (
    "linear",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "hard_sigmoid",
    "relu6",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "tanh",
)
FINAL_ACTIVATIONS = (*ACTIVATIONS, "exponential", "softmax")


@dataclasses.dataclass(frozen=True)
class Case:
    """A gated model with weights and gates that matter, and inputs for it."""

    model: keras.Model
    inputs: list[np.ndarray]


def random_case(seed: int) -> Case:
    """The network with number `seed`, in the type of the dtype policy."""
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    model = _Maker(rng).model()
    random_values.widen(model, rng)
    random_values.zero_some(model, rng)
    random_values.mix_gates(model, rng)
    return Case(model, random_values.inputs_for(model, rng))


@keras.saving.register_keras_serializable("tests")
class Neighbors(layers.Layer):
    """A layer that no rule knows: each channel sees the next one."""

    def call(self, inputs):
        return inputs + ops.roll(inputs, 1, axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape


class _Maker:
    """Grows a pool of tensors, one random layer at a time."""

    def __init__(self, rng, inside=False):
        self.rng = rng
        self.inside = inside
        self.pool = []
        self.used = []  # (layer, shape of its input), to be called again
        self.vectors = {}  # number of gates -> a gate vector to share

    def model(self, shape=None):
        number = 1 if shape or self.chance(0.7) else 2
        shapes = [shape or self.pick(INPUT_SHAPES) for _ in range(number)]
        inputs = [keras.Input(s, dtype=_dtype()) for s in shapes]
        self.pool = list(inputs)
        self.grow(self.rng.integers(2, 4) if self.inside else 10)
        outputs = self.outputs()
        return keras.Model(
            inputs if number > 1 else inputs[0],
            outputs if len(outputs) > 1 else outputs[0],
        )

    def grow(self, size):
        size += len(self.pool)
        while len(self.pool) < size:
            step = self.pick(STEPS)
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


def _dense(maker, x):
    layer = layers.Dense(
        maker.few(),
        activation=maker.pick(ACTIVATIONS),
        use_bias=maker.chance(0.7),
    )
    return maker.call(layer, x)


def _conv(maker, x):
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        return None
    kernel = [int(maker.rng.integers(1, 4)) for _ in range(rank)]
    strides, dilation = maker.pick(((1, 1), (1, 1), (2, 1), (1, 2)))
    paddings = ["same", "same"] + ["causal"] * (rank == 1)
    reach = [(k - 1) * dilation + 1 for k in kernel]
    if all(r <= s for r, s in zip(reach, x.shape[1:-1], strict=True)):
        paddings += ["valid"] * 2
    layer = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[rank - 1](
        maker.few(),
        kernel,
        strides=strides,
        dilation_rate=dilation,
        padding=maker.pick(paddings),
        activation=maker.pick(ACTIVATIONS),
        use_bias=maker.chance(0.7),
    )
    return maker.call(layer, x)


def _pool(maker, x):
    rank = len(x.shape) - 2
    # There is no double precision kernel of three-dimensional pooling.
    if rank not in (1, 2) or min(x.shape[1:-1]) < 2:
        return None
    kind = maker.pick(("Max", "Average"))
    layer = getattr(layers, f"{kind}Pooling{rank}D")(
        2, strides=maker.pick((1, 2)), padding=maker.pick(("same", "valid"))
    )
    return maker.call(layer, x)


def _global_pool(maker, x):
    rank = len(x.shape) - 2
    if rank not in (1, 2, 3):
        return None
    kind = maker.pick(("Max", "Average"))
    layer = getattr(layers, f"Global{kind}Pooling{rank}D")
    return maker.call(layer(keepdims=maker.chance(0.3)), x)


def _flatten(maker, x):
    return maker.call(layers.Flatten(), x) if len(x.shape) > 2 else None


def _normalization(maker, x):
    axis = 1 if maker.chance(0.1) else -1
    center, scale = maker.chance(0.7), maker.chance(0.7)
    layer = layers.BatchNormalization(axis=axis, center=center, scale=scale)
    return maker.call(layer, x)


def _activation(maker, x):
    axes = [a for a in range(1, len(x.shape)) if maker.chance(0.5)]
    layer = maker.pick(
        (
            layers.Activation(maker.pick(ACTIVATIONS)),
            layers.ReLU(),
            layers.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2),
            layers.LeakyReLU(0.2),
            layers.ELU(0.7),
            layers.PReLU(shared_axes=axes),
        )
    )
    return maker.call(layer, x)


def _noise(maker, x):
    spatial = {3: "1D", 4: "2D", 5: "3D"}.get(len(x.shape))
    names = ["AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"]
    names += [f"SpatialDropout{spatial}"] if spatial else []
    return maker.call(getattr(layers, maker.pick(names))(0.3), x)


def _add(maker, x):
    others = [maker.like(x) for _ in range(maker.pick((1, 1, 2)))]
    return maker.call(layers.Add(), [x, *others])


def _residual(maker, x):
    if maker.chance(0.5) or len(x.shape) not in (3, 4):
        layer = layers.Dense(x.shape[-1], maker.pick(ACTIVATIONS))
    else:
        conv = layers.Conv1D if len(x.shape) == 3 else layers.Conv2D
        layer = conv(x.shape[-1], 3, padding="same", activation="relu")
    branch = maker.call(layer, x)
    return maker.call(layers.Add(), maker.pick(([x, branch], [branch, x])))


def _concatenate(maker, x):
    fits = [y for y in maker.pool if y.shape[:-1] == x.shape[:-1]]
    tensors = [x, *[maker.pick(fits) for _ in range(maker.pick((1, 2)))]]
    axis = -1
    if maker.chance(0.3):
        tensors, axis = [x, maker.like(x)], int(maker.rng.integers(1, 3))
    axis = min(axis, len(x.shape) - 1)
    return maker.call(layers.Concatenate(axis=axis), tensors)


def _barrier(maker, x):
    layer = maker.pick(
        (
            layers.LayerNormalization(),
            layers.Softmax(),
            layers.UnitNormalization(),
            layers.Reshape(x.shape[1:]),
            layers.Dense(maker.few(), activation="softmax"),
            Neighbors(),
        )
    )
    return maker.call(layer, x)


def _operation(maker, x):
    return maker.pick(
        (
            lambda: x * 2.0 - 1.0,
            lambda: ops.flip(x, axis=-1),
            lambda: ops.maximum(x, maker.like(x)),
            lambda: x[..., 1:] if x.shape[-1] > 2 else x + 0.5,
            lambda: ops.split(x, [1], axis=-1)[0],
        )
    )()


def _again(maker, x):
    """A layer that has been called before, with or without weights."""
    fits = [layer for layer, shape in maker.used if shape == x.shape]
    return maker.pick(fits)(x) if fits else None


def _nested(maker, x):
    if maker.inside:
        return None
    model = _Maker(maker.rng, inside=True).model(x.shape[1:])
    maker.used.append((model, x.shape))
    return model(x)


def _dtype():
    return keras.config.dtype_policy().compute_dtype


@functools.cache
def _steps():
    common = (_dense, _conv, _activation, _normalization, _residual)
    rare = (_pool, _global_pool, _flatten, _noise, _add, _concatenate)
    return common * 3 + rare * 2 + (_barrier, _operation, _again, _nested)


STEPS = _steps()
