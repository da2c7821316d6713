"""Tests of the choice of axes."""

import keras
from absl.testing import absltest
from keras import layers
from keras import ops

from keras_l0.graph import Ref
from keras_l0.graph import read_graph
from keras_l0.surgery.alignment import Realign
from keras_l0.surgery.alignment import align
from keras_l0.surgery.barrier import Barrier
from keras_l0.surgery.rule import StripRule
from tests.surgery.strip_test_case import StripTestCase


class Unknown(layers.Layer):
    def call(self, inputs):
        return inputs


class AlignmentTest(StripTestCase):
    def align(self, inputs, outputs):
        self.graph = read_graph(keras.Model(inputs, outputs))
        return align(self.graph)

    def kinds(self, aligned):
        return [call.node.type_name for call in aligned.calls]

    def axes(self, aligned):
        """Axis of the first output of every call."""
        return [aligned.axes[c.node.outputs[0]] for c in aligned.calls]

    def reasons(self, aligned):
        return {
            call.node.name: rule
            for call, rule in zip(aligned.calls, aligned.rules, strict=True)
            if isinstance(rule, Barrier)
        }

    def test_axes_along_a_chain(self):
        x = keras.Input((6, 5, 3))
        y = layers.Conv2D(4, 2)(x)
        y = layers.GlobalMaxPooling2D()(y)
        aligned = self.align(x, layers.Dense(2)(y))
        self.assertEqual(self.axes(aligned), [3, 3, 1, 1])
        self.assertEqual(self.reasons(aligned), {})

    def test_tensor_is_realigned_once_for_all_that_ask(self):
        x = keras.Input((4, 3))
        y = layers.Dense(5)(x)
        outputs = [layers.BatchNormalization(axis=1)(y) for _ in range(2)]
        outputs.append(layers.Dense(2)(y))
        aligned = self.align(x, outputs)
        kinds = self.kinds(aligned)
        self.assertEqual(kinds.count("Realign"), 1)
        place = kinds.index("Realign")
        self.assertEqual(aligned.calls[place].layer, Realign(1))
        # It reads what Dense makes; both normalizations read what it makes.
        (dense,) = aligned.calls[1].node.outputs
        self.assertEqual(aligned.calls[place].node.inputs, [dense])
        (along_rows,) = aligned.calls[place].node.outputs
        self.assertEqual(aligned.consumers[along_rows], 2)
        self.assertEqual(aligned.consumers[dense], 2)
        self.assertEqual(aligned.axes[along_rows], 1)

    def test_graph_is_not_touched(self):
        x = keras.Input((4, 3))
        y = layers.BatchNormalization(axis=1)(layers.Dense(5)(x))
        self.align(x, y)
        self.assertEqual(
            self.graph.nodes[2].inputs, self.graph.nodes[1].outputs
        )
        self.assertLen(self.graph.nodes, 3)

    def test_all_branches_follow_the_first(self):
        x = keras.Input((4, 4))
        rows = layers.BatchNormalization(axis=1)(x)
        aligned = self.align(x, layers.Add()([rows, layers.Dense(4)(x)]))
        add = aligned.calls[-1]
        self.assertEqual(add.node.type_name, "Add")
        self.assertEqual([aligned.axes[t] for t in add.node.inputs], [1, 1])

    def test_consumers_count_model_outputs_and_repetitions(self):
        x = keras.Input((3,))
        y = layers.Dense(3)(x)
        aligned = self.align(x, [layers.Add()([y, y]), y])
        self.assertEqual(aligned.consumers[aligned.calls[1].node.outputs[0]], 3)

    def test_barriers_by_reason(self):
        x, y = keras.Input((4, 3)), keras.Input((1, 3))
        shared = layers.Dense(3, name="shared")
        weightless = layers.ReLU(name="weightless")
        first = weightless(shared(x))
        second = weightless(shared(y))
        merged = layers.Add(name="broadcast")([first, second])
        merged = Unknown(name="unknown")(merged)
        keyword = layers.Dense(3, name="keyword")(inputs=merged)
        aligned = self.align([x, y], ops.roll(keyword, 1, axis=1))
        reasons = self.reasons(aligned)
        self.assertEqual(reasons.pop("unknown"), Barrier.NO_RULE)
        self.assertEqual(reasons.pop("keyword"), Barrier.EXTRA_INPUTS)
        self.assertEqual(list(reasons.values()), [Barrier.NO_RULE])  # roll

    def test_all_calls_of_a_layer_are_barriers_if_one_is(self):
        x = keras.Input((3,))
        shared = layers.Dense(3, name="shared")
        aligned = self.align(x, shared(inputs=shared(x)))
        self.assertEqual(
            self.reasons(aligned),
            {
                "shared": Barrier.SHARED_WEIGHTS,
                "shared_1": Barrier.EXTRA_INPUTS,
            },
        )

    def test_masks(self):
        x = keras.Input((4,), dtype="int32")
        y = layers.Embedding(5, 3, mask_zero=True)(x)
        left, right = layers.Dense(2)(y), layers.Dense(2)(y)
        merged = layers.Add(name="merged")([left, right])
        pooled = layers.GlobalAveragePooling1D(name="pooled")(merged)
        reasons = self.reasons(self.align(x, pooled))
        self.assertEqual(reasons["merged"], Barrier.MASKED)
        self.assertEqual(reasons["pooled"], Barrier.EXTRA_INPUTS)
        self.assertNotIn("dense", reasons)

    def test_tensor_of_open_width_is_not_followed(self):
        x = keras.Input((3, None))
        aligned = self.align(x, layers.ReLU()(x))
        self.assertEqual(self.axes(aligned), [None, None])

    def test_concatenation_follows_no_axis_where_the_first_part_has_none(self):
        x, y = keras.Input((3, None)), keras.Input((2, 4))
        merged = layers.Concatenate(axis=1)([x, layers.ReLU()(y)])
        aligned = self.align([x, y], merged)
        self.assertEqual(self.kinds(aligned)[-2:], ["Realign", "Concatenate"])
        self.assertEqual(self.axes(aligned)[-2:], [None, None])

    def test_every_call_knows_its_shapes(self):
        x = keras.Input((4, 3))
        y = layers.BatchNormalization(axis=1)(layers.Dense(5)(x))
        for call in self.align(x, y).calls[1:]:
            self.assertLen(call.input_shapes, 1)
            self.assertEqual(call.output_shapes, [(None, 4, 5)])
            self.assertTrue(all(isinstance(t, Ref) for t in call.node.args))

    def test_rules_are_rules(self):
        x = keras.Input((3,))
        aligned = self.align(x, layers.Dense(2)(x))
        for rule in aligned.rules:
            self.assertIsInstance(rule, StripRule)


if __name__ == "__main__":
    absltest.main()
