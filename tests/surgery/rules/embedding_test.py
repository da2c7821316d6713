"""Tests of the rule of Embedding against Keras' own layer."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized
from keras import layers

import keras_l0
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.channels import Channels
from keras_l0.surgery.registry import find_rule
from keras_l0.surgery.selection import Selection
from tests.surgery.rules.rule_test_case import Probe
from tests.surgery.rules.rule_test_case import RuleTestCase
from tests.surgery.strip_test_case import units

WORDS = np.array([[0, 5, 3], [6, 1, 2]])


class EmbeddingRuleTest(RuleTestCase):
    @parameterized.parameters(False, True)
    def test_columns_are_channels(self, mask_zero):
        layer = layers.Embedding(7, 4, mask_zero=mask_zero)
        probe = Probe(Channels.live(1, 3), [WORDS, WORDS[::-1]])
        call, rule = self.call(layer, (3,)), find_rule(layer)
        self.assertIsNone(rule.barrier(call))
        (output,) = rule.forward(call, [probe.channels])
        self.assertEqual(output.axis, 2)
        self.assertAllEqual(output.known, [False] * 4)
        kept = np.array([True, False, True, True])
        (needed,) = rule.backward(call, [probe.channels], [kept])
        self.assertAllEqual(needed, [True] * 3)
        self._check_plan(rule, call, [probe], [needed], output, kept)

    def _held(self, probe, part):
        """Numbers of words, which nobody gates."""
        return Selection.of(probe.channels, part), probe.arrays[0]

    def test_columns_of_one_value_are_constants(self):
        layer = layers.Embedding(7, 3)
        call = self.call(layer, (3,))
        table = call.weights["embeddings"]
        table[:, 0], table[:, 2] = 0.4, 0
        table[0, 2] = 1e-9
        words = Channels.live(1, 3)
        (output,) = find_rule(layer).forward(call, [words])
        self.assertAllEqual(output.known, [True, False, False])
        self.assertAllEqual(output.value, [0.4, 0, 0])

    def test_scaled_weights_scale_the_output(self):
        layer = layers.Embedding(7, 3)
        call, factors = self.call(layer, (3,)), np.array([0.0, 0.3, 1.0])
        expected = self.run_layer(layer, [WORDS]) * factors
        weights = find_rule(layer).scaled_weights(call, factors)
        layer.embeddings.assign(weights["embeddings"])
        self.assertAllClose(
            self.run_layer(layer, [WORDS]), expected, rtol=1e-14
        )

    def test_adapted_and_quantized_tables_are_barriers(self):
        layer = layers.Embedding(7, 4)
        layer.build()
        layer.enable_lora(2)
        self.assertEqual(self.barrier(layer, (3,)), Barrier.EXTRA_WEIGHTS)
        layer = layers.Embedding(7, 4, dtype="float32")
        layer.build()
        layer.quantize("int8")
        call = self.call(layer, (3,), widen=False)
        self.assertEqual(find_rule(layer).barrier(call), Barrier.EXTRA_WEIGHTS)

    def test_model_loses_units(self):
        x = keras.Input((None,), dtype="int32")
        embedding = layers.Embedding(7, 6, name="embedding")
        y = self.gate(embedding, np.array([0, 1, 0.3, 0, 1, 0.5]))(x)
        y = layers.Conv1D(3, 2, activation="gelu", padding="same")(y)
        small, _ = self.strip(self.finish(x, y), WORDS)
        self.assertEqual(units(small, "embedding"), 4)
        self.strip(small, WORDS)

    def test_masked_model_loses_units_all_the_same(self):
        x = keras.Input((None,), dtype="int32")
        embedding = layers.Embedding(7, 4, mask_zero=True, name="embedding")
        y = self.gate(embedding, np.array([0, 1, 0.3, 1]))(x)
        y = layers.Dense(3, activation="gelu")(y)
        y = layers.GlobalAveragePooling1D()(y)
        model = self.finish(x, y)
        small, _ = self.strip(model, WORDS)
        self.assertEqual(units(small, "embedding"), 3)

    def test_table_of_a_single_row_is_constant(self):
        x = keras.Input((3,), dtype="int32")
        embedding = layers.Embedding(1, 4, name="embedding")
        y = self.gate(embedding, np.array([0, 1, 0.3, 1]))(x)
        y = layers.Dense(2)(layers.Flatten()(y))
        model = self.finish(x, y)
        small = keras_l0.strip_gates(model)
        self.assert_same_function(model, small, np.zeros((2, 3), "int32"))
        self.assertEqual(units(small, "embedding"), 1)


if __name__ == "__main__":
    absltest.main()
