"""The table of layers that `L0Gate` must be able to wrap: one row each."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from tests import test_util


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer, what it is called on, and what its gates stand for.

    Attributes:
        name: Name of the row in the log.
        make: Function that returns the layer, with random biases.
        input_shape: Shape of the input, batch included.
        outputs: Gates of the outputs: (axis, number of gates, weights that
            each one stands for), counted by hand.
        inputs: The same of the inputs; None where inputs cannot be gated.
        weights: Number of weights that are no biases; 0 where there are none.
        vocabulary: Number of different inputs if they are integers, or None.
    """

    name: str
    make: Callable[[], keras.layers.Layer]
    input_shape: tuple
    outputs: tuple
    inputs: tuple | None
    weights: int
    vocabulary: int | None = None

    def input(self) -> np.ndarray:
        rng = np.random.default_rng(test_util.test_seed())
        if self.vocabulary:
            shape = self.input_shape
            return rng.integers(self.vocabulary, size=shape, dtype="int32")
        return rng.normal(1, 1, self.input_shape).astype("float32")


def _with_bias(cls, *args, **kwargs):
    """Maker of a layer whose biases are not the zeros they start as."""
    bias = keras.initializers.RandomNormal(0.3, 0.3)
    return lambda: cls(*args, bias_initializer=bias, **kwargs)


def _normalization(**kwargs):
    """Maker of a BatchNormalization that is not the identity."""
    return lambda: layers.BatchNormalization(
        gamma_initializer=keras.initializers.RandomUniform(0.5, 1.5),
        beta_initializer=keras.initializers.RandomNormal(0.3, 0.3),
        moving_mean_initializer=keras.initializers.RandomNormal(0.3, 0.3),
        moving_variance_initializer=keras.initializers.RandomUniform(0.5, 1.5),
        **kwargs,
    )


def _prelu(**kwargs):
    return lambda: layers.PReLU(
        alpha_initializer=keras.initializers.RandomUniform(0.1, 0.9), **kwargs
    )


def _conv(name, cls, shape, *args, kernel, filters=3, **kwargs):
    """A dense convolution: `kernel` weights between two channels."""
    channels = shape[-1]
    return Case(
        name,
        _with_bias(cls, filters, *args, **kwargs),
        shape,
        outputs=(-1, filters, kernel * channels + 1),
        inputs=(-1, channels, kernel * filters),
        weights=kernel * channels * filters,
    )


def _channels_first(name, cls, shape, *args, **kwargs):
    return (
        name,
        _with_bias(cls, *args, data_format="channels_first", **kwargs),
        shape,
    )


def _activation(name, make, shape=(2, 4), axis=-1):
    gates = (axis, shape[axis], 1)
    return Case(name, make, shape, outputs=gates, inputs=gates, weights=0)


CASES = (
    Case(
        "dense",
        _with_bias(layers.Dense, 3),
        (2, 4),
        outputs=(-1, 3, 4 + 1),
        inputs=(-1, 4, 3),
        weights=12,
    ),
    Case(
        "dense_without_bias",
        lambda: layers.Dense(3, use_bias=False),
        (2, 4),
        outputs=(1, 3, 4),
        inputs=(1, 4, 3),
        weights=12,
    ),
    Case(
        "dense_activation",
        _with_bias(layers.Dense, 3, activation="sigmoid"),
        (2, 4),
        outputs=(-1, 3, 4 + 1),
        inputs=(-1, 4, 3),
        weights=12,
    ),
    Case(
        "dense_relu",
        _with_bias(layers.Dense, 3, activation="relu"),
        (2, 4),
        outputs=(-1, 3, 4 + 1),
        inputs=(-1, 4, 3),
        weights=12,
    ),
    Case(
        "dense_on_sequence",
        _with_bias(layers.Dense, 3),
        (2, 5, 4),
        outputs=(2, 3, 4 + 1),
        inputs=(2, 4, 3),
        weights=12,
    ),
    Case(
        # The gates of time steps, each of which uses all weights.
        "dense_gated_along_time",
        _with_bias(layers.Dense, 3),
        (2, 5, 4),
        outputs=(1, 5, 1),
        inputs=(-2, 5, 1),
        weights=12,
    ),
    Case(
        "einsum_dense",
        _with_bias(
            layers.EinsumDense, "...x,xy->...y", output_shape=3, bias_axes="y"
        ),
        (2, 5, 4),
        outputs=(-1, 3, 4 + 1),
        inputs=(-1, 4, 3),
        weights=12,
    ),
    Case(
        "einsum_dense_size_of_heads",
        _with_bias(
            layers.EinsumDense,
            "abc,cde->abde",
            output_shape=(None, 2, 3),
            bias_axes="de",
        ),
        (2, 5, 4),
        outputs=(-1, 3, (4 + 1) * 2),
        inputs=(-1, 4, 2 * 3),
        weights=24,
    ),
    Case(
        "einsum_dense_heads",
        _with_bias(
            layers.EinsumDense,
            "abc,cde->abde",
            output_shape=(None, 2, 3),
            bias_axes="de",
        ),
        (2, 5, 4),
        outputs=(-2, 2, (4 + 1) * 3),
        inputs=(-2, 5, 1),
        weights=24,
    ),
    Case(
        # The bias is one per head, and belongs to none of the gates.
        "einsum_dense_bias_of_heads",
        _with_bias(
            layers.EinsumDense,
            "abc,cde->abde",
            output_shape=(None, 2, 3),
            bias_axes="d",
        ),
        (2, 5, 4),
        outputs=(-1, 3, 4 * 2),
        inputs=(-1, 4, 2 * 3),
        weights=24,
    ),
    Case(
        # Two axes are summed over; the bias has no entry for heads.
        "einsum_dense_joins_heads",
        _with_bias(
            layers.EinsumDense,
            "abde,dec->abc",
            output_shape=(None, 3),
            bias_axes="c",
        ),
        (2, 5, 2, 4),
        outputs=(-1, 3, 2 * 4 + 1),
        inputs=(-2, 2, 4 * 3),
        weights=24,
    ),
    _conv("conv1d", layers.Conv1D, (2, 5, 4), 2, kernel=2),
    _conv(
        "conv1d_causal",
        layers.Conv1D,
        (2, 5, 4),
        2,
        padding="causal",
        dilation_rate=2,
        kernel=2,
    ),
    _conv(
        "conv2d",
        layers.Conv2D,
        (2, 5, 4, 4),
        (2, 3),
        strides=2,
        padding="same",
        activation="relu",
        kernel=6,
    ),
    _conv(
        "conv1d_leaky_relu",
        layers.Conv1D,
        (2, 5, 4),
        2,
        activation="leaky_relu",
        kernel=2,
    ),
    _conv("conv3d", layers.Conv3D, (2, 3, 3, 3, 4), 2, kernel=8),
    Case(
        # Each filter sees two of the four inputs, each input two filters.
        "conv2d_groups",
        _with_bias(layers.Conv2D, 4, 2, groups=2),
        (2, 3, 3, 4),
        outputs=(-1, 4, 4 * 2 + 1),
        inputs=(-1, 4, 4 * 2),
        weights=32,
    ),
    Case(
        *_channels_first(
            "conv2d_channels_first", layers.Conv2D, (2, 4, 3, 3), 3, 2
        ),
        outputs=(1, 3, 4 * 4 + 1),
        inputs=(-3, 4, 4 * 3),
        weights=48,
    ),
    Case(
        *_channels_first(
            "conv2d_transpose_channels_first",
            layers.Conv2DTranspose,
            (2, 4, 3, 3),
            3,
            2,
        ),
        outputs=(1, 3, 4 * 4 + 1),
        inputs=(1, 4, 4 * 3),
        weights=48,
    ),
    _conv("conv1d_transpose", layers.Conv1DTranspose, (2, 5, 4), 2, kernel=2),
    _conv(
        "conv2d_transpose",
        layers.Conv2DTranspose,
        (2, 3, 3, 4),
        2,
        strides=2,
        kernel=4,
    ),
    _conv(
        "conv3d_transpose",
        layers.Conv3DTranspose,
        (2, 2, 2, 2, 4),
        2,
        kernel=8,
    ),
    Case(
        # Three inputs, two outputs of each.
        "depthwise_conv1d",
        _with_bias(layers.DepthwiseConv1D, 2, depth_multiplier=2),
        (2, 5, 3),
        outputs=(-1, 6, 2 + 1),
        inputs=(-1, 3, 2 * 2),
        weights=12,
    ),
    Case(
        "depthwise_conv2d",
        _with_bias(layers.DepthwiseConv2D, 2, depth_multiplier=2),
        (2, 4, 4, 3),
        outputs=(-1, 6, 4 + 1),
        inputs=(-1, 3, 4 * 2),
        weights=24,
    ),
    Case(
        *_channels_first(
            "depthwise_conv2d_channels_first",
            layers.DepthwiseConv2D,
            (2, 3, 4, 4),
            2,
            depth_multiplier=2,
        ),
        outputs=(1, 6, 4 + 1),
        inputs=(1, 3, 4 * 2),
        weights=24,
    ),
    Case(
        # Six channels between the depthwise and the pointwise half.
        "separable_conv1d",
        _with_bias(layers.SeparableConv1D, 4, 2, depth_multiplier=2),
        (2, 5, 3),
        outputs=(-1, 4, 6 + 1),
        inputs=(-1, 3, 2 * 2 + 2 * 4),
        weights=12 + 24,
    ),
    Case(
        "separable_conv2d",
        _with_bias(layers.SeparableConv2D, 4, 2, depth_multiplier=2),
        (2, 4, 4, 3),
        outputs=(-1, 4, 6 + 1),
        inputs=(-1, 3, 4 * 2 + 2 * 4),
        weights=24 + 24,
    ),
    Case(
        "batch_normalization",
        _normalization(),
        (6, 4),
        outputs=(-1, 4, 2),
        inputs=(-1, 4, 2),
        weights=4,
    ),
    Case(
        "batch_normalization_without_scale",
        _normalization(scale=False, axis=1),
        (4, 3, 2, 2),
        outputs=(1, 3, 1),
        inputs=(-3, 3, 1),
        weights=0,
    ),
    Case(
        "embedding",
        lambda: layers.Embedding(7, 3),
        (2, 5),
        outputs=(-1, 3, 7),
        inputs=None,
        weights=21,
        vocabulary=7,
    ),
    Case(
        "prelu",
        _prelu(),
        (2, 3, 3, 4),
        outputs=(-1, 4, 9),
        inputs=(-1, 4, 9),
        weights=36,
    ),
    Case(
        "prelu_shared",
        _prelu(shared_axes=(1, 2)),
        (2, 3, 3, 4),
        outputs=(3, 4, 1),
        inputs=(3, 4, 1),
        weights=4,
    ),
    _activation("activation", lambda: layers.Activation("gelu")),
    _activation("activation_axis", lambda: layers.Activation("tanh"),
                (2, 3, 4), axis=1),
    _activation("relu", layers.ReLU, (2, 3, 3, 4)),
    _activation("leaky_relu", layers.LeakyReLU, (2, 3, 4), axis=-2),
    _activation("elu", layers.ELU),
    _activation("softmax", layers.Softmax),
    _activation("dropout", lambda: layers.Dropout(0.0)),
    _activation("max_pooling", lambda: layers.MaxPooling2D(1), (2, 3, 3, 4)),
)  # fmt: skip

NAMED = tuple((case.name, case) for case in CASES)
BY_NAME = dict(NAMED)
