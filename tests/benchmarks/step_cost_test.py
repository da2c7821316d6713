"""Tests the arithmetic of the step cost, and one short measurement."""

import json
import os

import numpy as np
from absl.testing import absltest
from absl.testing import flagsaver

from benchmarks import step_cost
from tests import test_util


class StepCostTest(test_util.TestCase):
    def test_ratio_is_median_of_pairs(self):
        # One slow pair shifts the ratio of the means, not the median.
        times = np.array([[1.0, 2.0], [10.0, 20.0], [1.0, 90.0]])
        summary = step_cost._summary(times)
        self.assertEqual(summary["ratio"], 2.0)
        self.assertEqual(summary["dense_ms"], 1.0)
        self.assertEqual(summary["gated_ms"], 20.0)

    def test_order_of_the_pair_alternates(self):
        calls = []
        dense = lambda: calls.append("dense") or 1.0
        gated = lambda: calls.append("gated") or 2.0
        pairs = [step_cost._pair(dense, gated, n) for n in range(2)]
        self.assertEqual(pairs, [(1.0, 2.0)] * 2)
        self.assertEqual(calls, ["gated", "dense", "dense", "gated"])

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
