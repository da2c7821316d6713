"""Tests of models that become as small as others have."""

import keras
import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from keras_l0.surgery.cut import cut
from keras_l0.training import cut_records
from keras_l0.training.adoption import adopt
from tests import test_util
from tests.training import compact_case


class RepeatTest(test_util.TestCase):
    def cut_twice(self, gate="diff_prune", network="residual"):
        """A model, cut by one unit of each vector, then by all closed."""
        model = compact_case.fresh(network, gate)

        def first_closed(vector):
            removed = np.zeros(vector.num_gates, bool)
            removed[np.argmax(compact_case.closed(vector))] = True
            return removed

        adopt(model, cut(model, first_closed))
        compact_case.cut_closed(model)
        return model

    @parameterized.parameters(
        ("diff_prune", "residual"),
        ("dependent", "residual"),
        ("diff_prune", "attention"),
    )
    def test_model_becomes_the_same(self, gate, network):
        expected = self.cut_twice(gate, network)
        found = compact_case.fresh(network, gate)
        records = expected.training_state.cuts
        self.assertLen(records, 2)
        cut_records.repeat(found, records)
        self.assertEqual(found.training_state.cuts, records)
        kinds = [
            [type(layer).__name__ for layer in model.layers]
            for model in (found, expected)
        ]
        self.assertEqual(*kinds)
        weights = zip(found.weights, expected.weights, strict=True)
        for weight, other in weights:
            self.assertAllEqual(weight, other)

    def test_only_what_is_left_is_cut(self):
        expected = self.cut_twice()
        records = expected.training_state.cuts
        found = compact_case.fresh("residual")
        cut_records.repeat(found, records[:1])
        layers = found.layers
        cut_records.repeat(found, records[:1])
        self.assertEqual(found.layers, layers)
        cut_records.repeat(found, records)
        self.assertEqual(found.count_params(), expected.count_params())

    def test_cuts_of_another_history(self):
        model = compact_case.fresh()
        compact_case.cut_closed(model)
        records = list(model.training_state.cuts)
        with self.assertRaisesRegex(ValueError, "cut 1 times.* 0 times"):
            cut_records.repeat(model, [])
        other = keras_l0.L0Model(
            x := keras.Input((5,)),
            compact_case.gated(keras.layers.Dense(3), "third")(x),
        )
        with self.assertRaisesRegex(ValueError, "'third' has 0 gates"):
            cut_records.repeat(other, records)


if __name__ == "__main__":
    absltest.main()
