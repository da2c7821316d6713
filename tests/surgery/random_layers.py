"""Adds random layers to the network of a `random_graphs.Maker`.

Each step takes the maker and a tensor, and returns a new tensor, or None where
it does not apply.
"""

import keras
from keras import layers
from keras import ops

import keras_l0

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


def _dead_branch(maker, x):
    """A branch that is constant, and seldom 0."""
    dead = keras_l0.GateVector(name=f"dead_{len(maker.pool)}")
    layer = layers.Dense(x.shape[-1], use_bias=maker.chance(0.5))
    branch = keras_l0.L0Gate(layer, gate_vector=dead)(x)
    branch = layers.Activation(maker.pick(ACTIVATIONS))(branch)
    if maker.chance(0.5):
        branch = layers.BatchNormalization()(branch)
    kind = maker.pick((layers.Add, layers.Multiply, layers.Subtract))
    pair = [x, branch] if maker.chance(0.7) else [branch, x]
    return maker.call(kind(), pair)


def _concatenate(maker, x):
    fits = [y for y in maker.pool if y.shape[:-1] == x.shape[:-1]]
    tensors = [x, *[maker.pick(fits) for _ in range(maker.pick((1, 2)))]]
    axis = -1
    if maker.chance(0.3):
        tensors, axis = [x, maker.like(x)], int(maker.rng.integers(1, 3))
    axis = min(axis, len(x.shape) - 1)
    return maker.call(layers.Concatenate(axis=axis), tensors)


def _merge(maker, x):
    """Another merging layer, perhaps with a branch that broadcasts."""
    kind = maker.pick(
        (layers.Multiply, layers.Average, layers.Maximum, layers.Subtract)
    )
    other = maker.like(x)
    if maker.chance(0.4) and len(x.shape) > 2:
        other = ops.mean(other, axis=1, keepdims=True)
    pair = [x, other]
    if kind is not layers.Subtract:
        pair = maker.pick((pair, pair[::-1]))
    return maker.call(kind(), pair)


def _squeeze_and_excite(maker, x):
    rank = len(x.shape) - 2
    if rank not in (1, 2):
        return None
    pool = getattr(layers, f"GlobalAveragePooling{rank}D")
    conv = (layers.Conv1D, layers.Conv2D)[rank - 1]
    s = pool(keepdims=True)(x)
    s = maker.call(conv(maker.few(), 1, activation="relu"), s)
    s = conv(x.shape[-1], 1, activation=maker.pick(("sigmoid", "relu")))(s)
    return maker.call(layers.Multiply(), maker.pick(([x, s], [s, x])))


def _barrier(maker, x):
    layer = maker.pick(
        (
            layers.Softmax(),
            layers.Dense(maker.few(), activation="softmax"),
            Neighbors(),
        )
    )
    return maker.call(layer, x)


def _reshape(maker, x):
    """The last axis apart, two axes together, or axes in another order."""
    size, choices = x.shape[-1], [x.shape[1:]]
    if len(x.shape) < 5 and size in (4, 6, 8, 9, 10):
        factor = 3 if size in (6, 9) else 2
        choices.append((*x.shape[1:-1], factor, size // factor))
    if len(x.shape) > 3:
        choices.append((x.shape[1] * x.shape[2], *x.shape[3:]))
        choices.append((*x.shape[1:-2], x.shape[-2] * size))
    layer = layers.Reshape(maker.pick(choices))
    if len(x.shape) > 2 and maker.chance(0.4):
        layer = layers.Permute([*range(2, len(x.shape)), 1])
    return maker.call(layer, x)


def _spatial(maker, x):
    """Convolutions of other kinds, and what moves the borders."""
    rank = len(x.shape) - 2
    if rank not in (1, 2):
        return None
    size, kernel = x.shape[-1], int(maker.rng.integers(1, 3))
    options = {
        "padding": maker.pick(("same", "valid")),
        "activation": maker.pick(ACTIVATIONS),
        "use_bias": maker.chance(0.7),
    }
    if min(x.shape[1:-1]) < kernel:
        options["padding"] = "same"
    multiplier = int(maker.rng.integers(1, 4))
    chosen = [
        lambda: getattr(layers, f"DepthwiseConv{rank}D")(
            kernel, depth_multiplier=multiplier, **options
        ),
        lambda: getattr(layers, f"SeparableConv{rank}D")(
            maker.few(), kernel, depth_multiplier=multiplier, **options
        ),
        lambda: getattr(layers, f"Conv{rank}DTranspose")(
            maker.few(), kernel, strides=multiplier, **options
        ),
        lambda: getattr(layers, f"ZeroPadding{rank}D")(1),
        lambda: getattr(layers, f"UpSampling{rank}D")(2),
    ]
    if min(x.shape[1:-1]) > 2:
        chosen.append(lambda: getattr(layers, f"Cropping{rank}D")(1))
    if size % 2 == 0 and maker.chance(0.3):
        conv = getattr(layers, f"Conv{rank}D")
        chosen = [lambda: conv(4, kernel, groups=2, **options)]
    return maker.call(maker.pick(chosen)(), x)


def _affine(maker, x):
    numbers = maker.rng.normal(size=(2, x.shape[-1])).tolist()
    layer = maker.pick(
        (
            layers.Rescaling(*numbers),
            layers.Rescaling(0.5, -0.3),
            layers.RandomFlip() if len(x.shape) == 4 else layers.Identity(),
        )
    )
    return maker.call(layer, x)


def _repeat(maker, x):
    if len(x.shape) != 2:
        return None
    return maker.call(layers.RepeatVector(3), x)


def _normalize(maker, x):
    """What couples the channels, or other axes."""
    size = x.shape[-1]
    groups = maker.pick([g for g in (1, 2, 3, size) if size % g == 0])
    options = {"center": maker.chance(0.7), "scale": maker.chance(0.7)}
    axis = 1 if maker.chance(0.2) else -1
    chosen = [
        lambda: layers.LayerNormalization(axis=axis, **options),
        lambda: layers.RMSNormalization(),
        lambda: layers.UnitNormalization(axis=axis),
    ]
    if len(x.shape) > 2:
        chosen.append(lambda: layers.GroupNormalization(groups, **options))
    return maker.call(maker.pick(chosen)(), x)


def _recurrent(maker, x):
    if len(x.shape) != 3:
        return None
    kind = maker.pick((layers.SimpleRNN, layers.GRU, layers.LSTM))
    both = maker.chance(0.3)
    layer = kind(
        maker.few(),
        return_sequences=maker.chance(0.6),
        go_backwards=not both and maker.chance(0.2),
        use_bias=maker.chance(0.7),
    )
    if both:
        layer = layers.Bidirectional(
            layer, maker.pick(("concat", "sum", "mul"))
        )
    return maker.call(layer, x)


def _einsum(maker, x):
    if len(x.shape) != 3:
        return None
    units, axes = maker.few(), maker.pick(("d", None))
    activation = maker.pick(ACTIVATIONS)
    return maker.call(
        layers.EinsumDense(
            "abc,cd->abd", (x.shape[1], units), activation, axes
        ),
        x,
    )


def _per_step(maker, x):
    if len(x.shape) not in (3, 4):
        return None
    layer = maker.pick(
        (
            layers.Dense(maker.few(), activation=maker.pick(ACTIVATIONS)),
            layers.BatchNormalization(),
            layers.Activation(maker.pick(ACTIVATIONS)),
        )
    )
    return maker.call(layers.TimeDistributed(layer), x)


def _attention(maker, x):
    if len(x.shape) != 3 or x.shape[1] < 2:
        return None
    heads, width = int(maker.rng.integers(2, 4)), int(maker.rng.integers(2, 4))
    layer = layers.MultiHeadAttention(
        heads, width, maker.few(), use_bias=maker.chance(0.7)
    )
    if maker.chance(0.6):
        layer = keras_l0.L0Gate(layer, on="heads")
    return layer(x, value=maker.like(x))


_RARE_LAYERS = (
    _spatial,
    _spatial,
    _affine,
    _repeat,
    _normalize,
    _recurrent,
    _einsum,
    _per_step,
    _attention,
)


def _operation(maker, x):
    size, rank = x.shape[-1], len(x.shape)
    vector = maker.rng.normal(size=size)
    axis = int(maker.rng.integers(1, rank))
    padding = [(0, 0)] * rank
    padding[axis] = (1, 0)
    chosen = [
        lambda: x * 2.0 - 1.0,
        lambda: ops.subtract(vector, x),
        lambda: x * vector,
        lambda: ops.exp(ops.negative(ops.absolute(x))),
        lambda: getattr(ops, maker.pick(ACTIVATIONS[1:]))(x),
        lambda: ops.flip(x, axis=axis),
        lambda: ops.maximum(x, maker.like(x)),
        lambda: maker.like(x) * x,
        lambda: ops.pad(x, padding, constant_values=maker.pick((0.0, 0.5))),
        lambda: ops.concatenate([x, maker.like(x)], axis),
        lambda: ops.roll(x, 1, axis=-1),
    ]
    if size > 2:
        picked = maker.rng.integers(0, size, 3)
        chosen += [
            lambda: x[..., 1:],
            lambda: x[..., ::-2],
            lambda: ops.take(x, picked, axis=-1),
            lambda: maker.pick(ops.split(x, [1], axis=-1)),
        ]
    if rank > 2:
        chosen += [
            lambda: ops.mean(x, axis=1),
            lambda: ops.sum(x, axis=axis, keepdims=True),
            lambda: ops.max(x, axis=-1, keepdims=True),
            lambda: x[:, 0],
            lambda: ops.swapaxes(x, 1, axis),
        ]
    return maker.pick(chosen)()


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
_OFTEN = (
    _pool,
    _global_pool,
    _flatten,
    _noise,
    _add,
    _concatenate,
    _merge,
    _squeeze_and_excite,
    _operation,
    _reshape,
    _again,
)
_SELDOM = (_barrier, _dead_branch, _nested, *_RARE_LAYERS)
STEPS = _COMMON * 3 + _OFTEN * 2 + _SELDOM
