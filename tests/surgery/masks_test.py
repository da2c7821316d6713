"""Masks ride along with tensors; surgery must not lose or make any."""

import warnings

import keras
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from tests.surgery.strip_test_case import StripTestCase


class MasksTest(StripTestCase):
    def setUp(self):
        super().setUp()
        # Keras warns of nested models, but hands the mask on all the same.
        self.enterContext(warnings.catch_warnings())
        warnings.filterwarnings("ignore", ".* with a mask attached")

    def embedded(self, mask_zero=True):
        x = keras.Input((5,), dtype="int32")
        return x, layers.Embedding(7, 6, mask_zero=mask_zero)(x)

    def check(self, x, y):
        model = self.finish(x, y)
        data = self.rng.integers(0, 3, (6, 5))  # many zeros
        return self.strip(model, data)

    @parameterized.parameters([[1, 0, 0.3, 1]], [[1, 1, 1, 1]])
    def test_through_gated_layers(self, gates):
        x, y = self.embedded()
        y = self.gate(layers.Dense(4, activation="gelu"), gates)(y)
        self.check(x, layers.LSTM(3)(y))

    @parameterized.parameters([[1, 0, 0.3, 1, 1, 0]], [[1] * 6])
    def test_from_a_gated_embedding(self, gates):
        x = keras.Input((5,), dtype="int32")
        embedding = layers.Embedding(7, 6, mask_zero=True)
        y = self.gate(embedding, gates)(x)
        y = layers.GlobalAveragePooling1D()(layers.Dense(3)(y))
        self.check(x, y)

    def test_branch_with_a_mask_that_would_vanish(self):
        x, y = self.embedded()
        _, z = self.embedded(mask_zero=False)
        other = layers.Embedding(7, 4)(x)
        dead = self.gate(layers.Dense(4), [0, 0, 0, 0])(y)
        live = layers.Add()([layers.Dense(4)(y), dead])
        self.check(x, layers.LSTM(3)(layers.Add()([other, live])))

    def test_branch_without_a_mask_that_would_vanish(self):
        x, y = self.embedded()
        other = layers.Embedding(7, 4)(x)
        dead = self.gate(layers.Dense(4), [0, 0, 0, 0])(other)
        merged = layers.Add()([layers.Dense(4)(y), dead])
        self.check(x, layers.LSTM(3)(merged))

    def test_layer_whose_arguments_are_called_like_masks(self):
        class Own(layers.Layer):
            def call(self, inputs, attention_mask=None):
                return inputs * 2.0

        x, y = self.embedded()
        y = self.gate(layers.Dense(4), [1, 0, 0.3, 1])(y)
        self.check(x, layers.Flatten()(Own()(y)))

    def test_attention_that_finds_its_mask_is_refused(self):
        x, y = self.embedded()
        y = self.gate(layers.Dense(4), [1, 0, 0.3, 1])(y)
        model = self.finish(x, layers.MultiHeadAttention(2, 3)(y, y))
        with self.assertRaisesRegex(ValueError, "finds a mask on its inputs"):
            keras_l0.strip_gates(model)

    def test_nested_model_under_a_mask_stays_whole(self):
        self.use("float32")
        x, y = self.embedded()
        y = self.gate(layers.Dense(4), [1, 0, 0.3, 1])(y)
        inner = keras.Sequential(
            [keras.Input((5, 4)), layers.Dense(4), layers.LSTM(3)],
            name="inner",
        )
        _, report = self.check(x, inner(y))
        self.assertIn("inner", [row.name for row in report.barriers])


if __name__ == "__main__":
    absltest.main()
