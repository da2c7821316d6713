"""Operations of `keras.ops` between layers, stripped in whole models."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers
from keras import ops

from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.rules import reshape
from tests.surgery.strip_test_case import StripTestCase

GATES = (0, 1, 0.5, 0, 1, 0)
ELEMENTWISE = (
    "absolute",
    "arctan",
    "ceil",
    "celu",
    "copy",
    "cos",
    "elu",
    "erf",
    "exp",
    "expm1",
    "floor",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log1p",
    "log_sigmoid",
    "negative",
    "relu",
    "relu6",
    "round",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "soft_shrink",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sqrt",
    "square",
    "squareplus",
    "stop_gradient",
    "tanh",
    "tanh_shrink",
)


class OperationsTest(StripTestCase):
    def gated(self, x, activation="softplus", gates=GATES):
        dense = layers.Dense(len(gates), activation=activation)
        return self.gate(dense, list(gates))(x)

    def strips(self, function, shape=(4, 5), barriers=()):
        """Checks the model with `function` behind gates; its parameters."""
        x = keras.Input(shape)
        y = function(self.gated(x))
        heads = [layers.Dense(2)(t) for t in keras.tree.flatten(y)]
        small, report = self.strip(self.finish(x, heads))
        self.assertEqual([b.reason for b in report.barriers], list(barriers))
        if not barriers:
            self.assertLess(report.params_after, report.params_before)
        return small

    def first_dense(self, small):
        return next(la for la in small.layers if la.weights).units

    @parameterized.parameters(*ELEMENTWISE)
    def test_elementwise(self, name):
        small = self.strips(getattr(ops, name))
        self.assertEqual(self.first_dense(small), 3)

    @parameterized.parameters("log", "reciprocal", "rsqrt")
    def test_elementwise_where_zero_is_no_argument(self, name):
        small = self.strips(lambda y: getattr(ops, name)(y + 1.0))
        self.assertEqual(self.first_dense(small), 3)

    def test_logarithm_of_zero_stays_what_it_is(self):
        x = keras.Input((3,))
        y = ops.maximum(ops.log(self.gated(x)), -2.0)
        self.strip(self.finish(x, layers.Dense(2)(y)))

    @parameterized.named_parameters(
        ("clip", lambda y: ops.clip(y, 0.1, 0.7)),
        ("cast", lambda y: ops.cast(ops.cast(y, "float32"), "float64")),
        ("threshold", lambda y: ops.threshold(y, 0.2, 0.3)),
        (
            "cast_to_integers",
            lambda y: ops.cast(ops.cast(y, "int32"), "float64"),
        ),
        ("transpose", lambda y: ops.transpose(y, (0, 2, 1))[..., 1:]),
        (
            "there_and_back",
            lambda y: ops.transpose(
                ops.relu(ops.transpose(y, (0, -1, 1))), (0, 2, 1)
            ),
        ),
        ("swapaxes", lambda y: ops.swapaxes(y, 1, -1)),
        ("moveaxis", lambda y: ops.moveaxis(y, -1, 1)),
        ("expand", lambda y: ops.expand_dims(y, (1, -2))),
        ("expand_last", lambda y: ops.expand_dims(y, -1)),
        ("squeeze", lambda y: ops.squeeze(y[:, 1:2], 1)),
        ("mean", lambda y: ops.mean(y, axis=1)),
        ("means", lambda y: ops.mean(ops.expand_dims(y, 3), axis=(1, -1))),
        ("maximum", lambda y: ops.max(y, axis=1, keepdims=True)),
        ("minimum", lambda y: ops.min(y, axis=-2)),
        ("sum", lambda y: ops.sum(ops.sigmoid(y), axis=1)),
        ("split", lambda y: ops.split(y, 3, axis=-1)),
        ("split_unequal", lambda y: ops.split(y, [2, 4], axis=-1)),
        ("split_rows", lambda y: ops.split(y, [1, 2], axis=1)),
        ("concatenate", lambda y: ops.concatenate([y, ops.tanh(y)], -1)),
        ("concatenate_rows", lambda y: ops.concatenate([y, y + 1.0], 1)),
        ("flip", lambda y: ops.flip(y, axis=-1)),
        ("flip_rows", lambda y: ops.flip(y, axis=1)),
        ("flip_both", lambda y: ops.flip(y, axis=(1, 2))),
        ("take", lambda y: ops.take(y, [4, 0, 2, 2], axis=-1)),
        ("take_rows", lambda y: ops.take(y, [3, 0], axis=1)),
        ("item", lambda y: y[..., 1:]),
        ("item_steps", lambda y: y[:, :, ::-2]),
        ("item_rows", lambda y: y[:, 1:3]),
        ("item_row", lambda y: y[:, -1]),
        ("item_both", lambda y: y[:, 1:, 1:-1]),
        ("item_row_and_units", lambda y: y[:, 2, 1:-1]),
        ("pad_units", lambda y: ops.pad(y, ((0, 0), (0, 0), (2, 1)))),
        (
            "pad_with",
            lambda y: ops.pad(y, ((0, 0), (1, 0), (2, 1)), constant_values=0.5),
        ),
        (
            "pad_rows",
            lambda y: ops.pad(ops.sigmoid(y), ((0, 0), (1, 2), (0, 0))),
        ),
        (
            "reflect",
            lambda y: ops.pad(
                ops.sigmoid(y), ((0, 0), (1, 2), (0, 0)), mode="reflect"
            ),
        ),
        ("reshape", lambda y: ops.reshape(y, (-1, 24))),
        (
            "reshape_twice",
            lambda y: ops.reshape(ops.reshape(y, (-1, 2, 2, 6)), (-1, 4, 6)),
        ),
        ("reshape_heads", lambda y: ops.reshape(y, (-1, 4, 3, 2))),
    )
    def test_operation(self, function):
        self.strips(function)

    @parameterized.named_parameters(
        ("channels_of_all", lambda y: ops.mean(y, axis=-1, keepdims=True)),
        ("one_channel", lambda y: y[..., 2:3] * ops.sum(y, -1, keepdims=True)),
        (
            "reflected",
            lambda y: ops.pad(y, ((0, 0), (0, 0), (2, 1)), mode="reflect"),
        ),
        ("one_unit", lambda y: y[:, :, 3]),
        ("rows_into_units", lambda y: ops.reshape(y, (-1, 3, 8))),
    )
    def test_what_is_not_followed_is_still_right(self, function):
        x = keras.Input((4, 5))
        y = function(self.gated(x))
        self.strip(self.finish(x, layers.Dense(2)(y)))

    @parameterized.named_parameters(
        ("batch", lambda y: ops.reshape(y, (-1, 6)), Barrier.RESHAPED),
        ("flip", lambda y: ops.flip(y), Barrier.BATCH_AXIS),
        ("item", lambda y: y[:2, :], Barrier.BATCH_AXIS),
        ("sum", lambda y: ops.sum(y, 0, keepdims=True), Barrier.BATCH_AXIS),
        ("squeeze", lambda y: ops.squeeze(y[:, :1]), Barrier.DYNAMIC_SHAPE),
        ("matrix", lambda y: ops.take(y, [[0, 1]], -1), Barrier.RESHAPED),
        ("newaxis", lambda y: y[:, None], Barrier.EXTRA_INPUTS),
        ("roll", lambda y: ops.roll(y, 1, -1), Barrier.NO_RULE),
    )
    def test_barrier(self, function, reason):
        self.strips(function, barriers=[reason])

    def test_factors_do_not_reach_what_is_padded_with(self):
        x = keras.Input((4, 5))
        dense = layers.Dense(6)  # read elsewhere: its gates are not folded
        y = self.gate(layers.Identity(), list(GATES))(dense(x))
        y = ops.pad(y, ((0, 0), (1, 0), (0, 0)), constant_values=0.5)
        heads = layers.Dense(2)(y), layers.Dense(2)(dense(x))
        self.strip(self.finish(x, heads))
        self.strip(self.finish(x, [y, dense(x)]))

    def test_split_whose_parts_go_different_ways(self):
        x = keras.Input((4, 5))
        left, right = ops.split(self.gated(x), 2, axis=-1)
        y = layers.Dense(3)(left) * layers.Conv1D(3, 2, padding="same")(right)
        small, report = self.strip(self.finish(x, y))
        self.assertEmpty(report.barriers)
        self.assertEqual(self.first_dense(small), 3)

    def test_part_that_nobody_reads(self):
        x = keras.Input((5,))
        left, _ = ops.split(self.gated(x, gates=[1] * 6), 2, axis=-1)
        small, _ = self.strip(self.finish(x, layers.Dense(3)(left)))
        self.assertEqual(self.first_dense(small), 3)

    def test_shuffle_of_channel_groups(self):
        x = keras.Input((4, 4, 3))
        y = self.gate(layers.Conv2D(6, 3, activation="relu"), GATES)(x)
        y = layers.Reshape((2, 2, 2, 3))(y)
        y = layers.Reshape((2, 2, 6))(layers.Permute((1, 2, 4, 3))(y))
        self.strip(self.finish(x, layers.Conv2D(2, 2)(y)))

    def test_dense_into_image(self):
        x = keras.Input((5,))
        gates = [1, 0, 0.5] * 4 + [1, 0, 0] * 4  # channel 1 is closed
        y = layers.Reshape((2, 4, 3))(self.gated(x, gates=gates))
        small, _ = self.strip(self.finish(x, layers.Conv2D(2, 2)(y)))
        # Channels 0 and 2 of all positions, less the zeros in the second.
        self.assertEqual(self.first_dense(small), 12)

    @parameterized.parameters(
        ((None, 6), (2, 3)), ((4, None, 6), (4, -1, 6)), ((None, 4), (-1, 2, 2))
    )
    def test_reshape_of_unknown_size(self, shape, target):
        x = keras.Input(shape)
        y = self.gated(x)
        y = layers.Reshape(target if shape[0] else (-1, 2, 3))(y)
        model = self.finish(x, layers.Dense(2)(y))
        data = self.rng.normal(size=(2, *(s or 3 for s in shape)))
        self.strip(model, data)

    def test_permute(self):
        x = keras.Input((4, 5))
        y = layers.Permute((2, 1))(self.gated(x))
        y = layers.Flatten()(layers.Permute((2, 1))(ops.relu(y)))
        small, _ = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEqual(self.first_dense(small), 3)


class ProductsTest(StripTestCase):
    """Matrix products, as attention by hand has them."""

    def dense(self, x, gates=GATES, **kwargs):
        return self.gate(layers.Dense(len(gates), **kwargs), list(gates))(x)

    def attention(self, x, heads, gated):
        """Attention by hand; `gated` are the gates of q, k and v."""
        parts = []
        for gates in gated:
            t = self.dense(x, gates)
            t = layers.Reshape((4, heads, len(gates) // heads))(t)
            parts.append(ops.transpose(t, (0, 2, 1, 3)))
        q, k, v = parts
        scores = ops.softmax(q @ ops.transpose(k, (0, 1, 3, 2)) / 2.0)
        y = ops.transpose(scores @ v, (0, 2, 1, 3))
        return layers.Reshape((4, len(gated[2])))(y)

    @parameterized.parameters(
        ((1,) * 6, (1,) * 6, GATES),
        (GATES, (1,) * 6, (1,) * 6),
        ((1, 0, 1) * 2, (0, 0.5, 1) * 2, (0, 1, 1, 0, 0, 0.5)),
    )
    def test_attention_by_hand(self, *gated):
        x = keras.Input((4, 5))
        y = self.attention(x, 2, gated)
        self.strip(self.finish(x, layers.Dense(3)(y)))

    def test_sums_leave_closed_terms_out(self):
        x, z = keras.Input((4, 5)), keras.Input((3, 5))
        left = self.dense(x)
        right = ops.transpose(layers.Dense(6)(z), (0, 2, 1))
        model = self.finish([x, z], left @ right)
        small, report = self.strip(model)
        self.assertEmpty(report.barriers)
        widths = [la.units for la in small.layers if la.weights]
        self.assertEqual(widths, [3, 3])

    def test_columns_and_rows(self):
        x, z = keras.Input((4, 4)), keras.Input((4, 5))
        y = ops.matmul(x, self.dense(z, activation="relu"))
        small, report = self.strip(self.finish([x, z], layers.Dense(2)(y)))
        self.assertEmpty(report.barriers)
        widths = [la.units for la in small.layers if la.weights]
        self.assertEqual(widths, [3, 2])
        rows = ops.transpose(self.dense(z), (0, 2, 1)) @ x
        rows = layers.Dense(2)(ops.transpose(rows, (0, 2, 1)))
        small, report = self.strip(self.finish([x, z], rows))
        self.assertEmpty(report.barriers)
        widths = [la.units for la in small.layers if la.weights]
        self.assertEqual(widths, [3, 2])

    def test_heads_of_their_own(self):
        x = keras.Input((4, 5))
        heads = [self.dense(x, GATES[:3]) for _ in range(3)]
        y = ops.stack(heads, axis=1)
        y = self.gate(layers.Identity(), [0, 1, 0.5], axis=1)(y)
        y = ops.softmax(y @ ops.transpose(y, (0, 1, 3, 2))) @ y
        self.strip(self.finish(x, layers.Dense(2)(ops.mean(y, axis=1))))

    @parameterized.parameters(1, 2, 3, -1)
    def test_stack(self, axis):
        x = keras.Input((4, 5))
        y = ops.stack([self.dense(x), self.dense(x)], axis=axis)
        y = ops.sigmoid(y)
        if axis in (3, -1):
            y = ops.swapaxes(y, 2, 3)
        small, report = self.strip(self.finish(x, layers.Dense(2)(y)))
        self.assertEmpty(report.barriers)
        self.assertEqual(
            [la.units for la in small.layers if la.weights], [3, 3, 2]
        )

    def test_what_is_a_barrier(self):
        x = keras.Input((4, 5))
        for function in (
            lambda y: ops.matmul(y, np.ones((6, 2))),
            lambda y: ops.stack([y, y], 0)[0],
        ):
            y = function(self.dense(x))
            _, report = self.strip(self.finish(x, layers.Dense(2)(y)))
            self.assertNotEmpty(report.barriers)


class BlocksTest(StripTestCase):
    @parameterized.parameters(
        ((None, 4, 6), (None, 24), [((1, 2), (1,))]),
        ((None, 4, 6), (None, 4, 3, 2), [((1,), (1,)), ((2,), (2, 3))]),
        ((None, 1, 6), (None, 6), [((2,), (1,))]),
        ((None, 2, 3, 5), (None, 6, 1, 5), [((1, 2), (1,)), ((3,), (3,))]),
        ((None, 4, 6), (None, 3, 8), [((1, 2), (1, 2))]),
        ((None, None, 6), (None, None, 2, 3), [((1,), (1,)), ((2,), (2, 3))]),
        ((None, 4, 6), (None, 6), None),
        ((None, None, 6), (None, 6, None), None),
        ((2, 6), (4, 3), None),
    )
    def test_blocks(self, before, after, expected):
        found = reshape.blocks(before, after)
        if expected is not None:
            found = [(b.inputs, b.outputs) for b in found]
        self.assertEqual(found, expected)


if __name__ == "__main__":
    absltest.main()
