"""Tests the networks whose steps are compared, and one measurement."""

import json
import os

from absl.testing import absltest
from absl.testing import flagsaver

import keras_l0
from benchmarks import step_cost
from tests import test_util


class StepCostTest(test_util.TestCase):
    def test_networks_differ_by_their_gates(self):
        self.assertLen({*step_cost.CASES}, 12)
        for case in step_cost.CASES:
            with self.subTest(case):
                dense, gated, _ = step_cost._networks(case)
                self.assertEmpty(keras_l0.layers.gate_vectors(dense))
                vectors = keras_l0.layers.gate_vectors(gated).values()
                added = sum(v.logits.shape[0] for v in vectors)
                self.assertGreater(added, 0)
                self.assertGreaterEqual(
                    gated.count_params(), dense.count_params() + added
                )

    def test_main_writes_a_record(self):
        path = os.path.join(self.create_tempdir().full_path, "cost.json")
        with flagsaver.flagsaver(
            case=["lenet_300_100/inputs"],
            pairs=3,
            batch_size=4,
            threads=0,
            jit_compile="false",
            output=path,
        ):
            step_cost.main([])
        with open(path) as file:
            record = json.load(file)
        (case,) = record["cases"]
        self.assertEqual(case["case"], "lenet_300_100/inputs")
        self.assertEqual(case["pairs"], 3)
        self.assertGreater(case["ratio"], 0)
        self.assertIn("tensorflow", record["versions"])


if __name__ == "__main__":
    absltest.main()
