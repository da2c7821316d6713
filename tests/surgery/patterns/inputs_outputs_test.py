"""Several inputs, several outputs, and parts that lead nowhere."""

import keras
from absl.testing import absltest
from keras import layers
from keras import ops

from keras_l0.surgery import Barrier
from tests.surgery.patterns.pattern_test_case import GATES
from tests.surgery.patterns.pattern_test_case import OTHERS
from tests.surgery.patterns.pattern_test_case import PatternTestCase


class ClassToken(layers.Layer):
    """A vector of its own in front of all steps."""

    def build(self, input_shape):
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]))

    def call(self, x):
        token = ops.repeat(self.token, ops.shape(x)[0], axis=0)
        return ops.concatenate([token, x], axis=1)


class InputsOutputsTest(PatternTestCase):
    def dense(self, name, gates, **kwargs):
        return self.gate(layers.Dense(6, "gelu", name=name, **kwargs), gates)

    def test_two_inputs_concatenated(self):
        a, b = keras.Input((3,), name="a"), keras.Input((4,), name="b")
        y = layers.Concatenate()(
            [self.dense("left", GATES)(a), self.dense("right", OTHERS)(b)]
        )
        small = self.check(
            [a, b], layers.Dense(2, name="end")(y), left=4, right=3
        )
        self.assertEqual(small.get_layer("end").kernel.shape, (7, 2))

    def test_inputs_of_different_shapes(self):
        image, code = keras.Input((4, 4, 3)), keras.Input((5,))
        conv = layers.Conv2D(6, 2, activation="relu", name="conv")
        y = self.gate(conv, GATES)(image)
        z = self.dense("code", GATES)(code)
        y = layers.Multiply()([y, layers.Reshape((1, 1, 6))(z)])
        y = layers.Flatten()(y)
        y = layers.Concatenate()([y, code])
        self.check([image, code], layers.Dense(2)(y), conv=4, code=4)

    def test_intermediate_tensor_that_is_an_output(self):
        x = keras.Input((4,))
        first = self.dense("first", GATES)(x)
        plain = layers.Dense(6, name="plain")(first)
        y = self.gate(layers.ReLU(), OTHERS)(plain)
        y = layers.Dense(2, name="end")(y)
        # What is shown has all its units; who reads it behind a gate, three.
        small = self.check(x, [first, plain, y], first=4, plain=6)
        self.assertEqual(small.get_layer("end").kernel.shape, (3, 2))

    def test_many_inputs_and_many_outputs(self):
        inputs = {name: keras.Input((3,), name=name) for name in "abc"}
        codes = [
            self.dense(f"code_{name}", gates)(x)
            for (name, x), gates in zip(
                inputs.items(), (GATES, OTHERS, [0] * 5 + [1]), strict=True
            )
        ]
        total = layers.Average(name="mean")(codes)
        outputs = {
            "total": layers.Dense(2)(total),
            "pair": layers.Dense(1)(layers.Multiply()(codes[:2])),
            "code": codes[2],
        }
        self.check(inputs, outputs, code_a=4, code_b=3, code_c=1, mean=6)

    def test_part_that_no_output_needs(self):
        x, y = keras.Input((4,)), keras.Input((4,), name="unused")
        dead = layers.Dense(5, name="dead")(layers.Dense(5, name="deep")(y))
        dead = self.dense("gated", [0] * 6)(dead)
        live = self.dense("live", GATES)(x)
        end = layers.Dense(2)(layers.Add()([live, dead]))
        small = self.check([x, y], end, live=4)
        self.assertIn("unused", self.names(small))
        for name in ("dead", "deep", "gated"):
            self.assertNotIn(name, self.names(small))

    def test_layer_whose_output_nobody_reads(self):
        x = keras.Input((4,))
        y = self.dense("used", GATES)(x)
        self.dense("unused", GATES)(x)
        small = self.check(x, layers.Dense(2)(y), used=4)
        self.assertNotIn("unused", self.names(small))

    def test_weights_that_scale_channels(self):
        # A vector on a branch, as a constant and as an EinsumDense; the latter
        # is computed whole, on what is put in again.
        x = keras.Input((5, 6))
        y = self.dense("hidden", GATES)(x)
        y = layers.EinsumDense("btc,c->btc", (None, 6), name="scale")(y)
        y = layers.Dense(6)(y) * ops.convert_to_numpy(ops.arange(1.0, 7.0))
        y = layers.Add()([x, y])
        self.check(x, layers.Dense(2)(y), [Barrier.EQUATION], hidden=4, scale=6)

    def test_class_token_and_position_embedding(self):
        x = keras.Input((4, 3))
        y = self.dense("patches", OTHERS)(x)
        ones = ops.ones_like(x[:, :1, 0])
        token = self.gate(layers.Embedding(2, 6, name="token"), OTHERS)
        y = layers.Concatenate(axis=1)([token(ones), y])
        steps = ops.cumsum(ops.ones_like(y[..., 0]), axis=1)
        positions = layers.Embedding(9, 6, name="positions")
        y = layers.Add()([y, self.gate(positions, OTHERS)(steps)])
        y = self.dense("hidden", GATES)(y)[:, 0]
        small = self.check(
            x,
            layers.Dense(2)(y),
            [Barrier.NO_RULE] * 3,
            patches=3,
            token=3,
            positions=3,
            hidden=4,
        )
        self.assertEqual(small.get_layer("hidden").kernel.shape, (3, 4))

    def test_class_token_of_a_layer_without_a_rule(self):
        x = keras.Input((4, 3))
        y = ClassToken(name="token")(self.dense("patches", GATES)(x))
        y = self.dense("hidden", OTHERS)(y)[:, 0]
        self.check(
            x,
            layers.Dense(2)(y),
            [Barrier.NO_RULE],
            patches=4,
            token=6,
            hidden=3,
        )


if __name__ == "__main__":
    absltest.main()
