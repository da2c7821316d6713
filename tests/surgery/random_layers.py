"""Adds random layers to the network of a `random_graphs.Maker`.

Each step takes the maker and a tensor, and returns a new tensor, or None where
it does not apply.
"""

import keras
from keras import layers
from keras import ops

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


@keras.saving.register_keras_serializable("tests")
class Neighbors(layers.Layer):
    """A layer that no rule knows: each channel sees the next one."""

    def call(self, inputs):
        return inputs + ops.roll(inputs, 1, axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape


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
    model = maker.inner_model(x.shape[1:])
    maker.used.append((model, x.shape))
    return model(x)


_COMMON = (_dense, _conv, _activation, _normalization, _residual)
_OFTEN = (_pool, _global_pool, _flatten, _noise, _add, _concatenate)
_SELDOM = (_barrier, _operation, _again, _nested)
STEPS = _COMMON * 3 + _OFTEN * 2 + _SELDOM
