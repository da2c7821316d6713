"""Tests of the benchmarks of stripping and gating, on their smallest cases."""

from unittest import mock

import keras
from absl.testing import absltest

from benchmarks import gating_coverage
from benchmarks import strip_cost
from benchmarks import strip_coverage
from benchmarks import strip_fuzz
from benchmarks import strip_latency
from benchmarks import strip_tables
from tests import test_util


def small(network, x):
    return strip_latency.layers.GlobalAveragePooling2D()(
        strip_latency._conv(network, x, network.width(), gated=True)
    )


class StripBenchmarksTest(test_util.TestCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(keras.config.set_floatx, "float32")
        self.addCleanup(keras.config.set_dtype_policy, "float32")

    def test_coverage(self):
        entry = strip_coverage.measure("MobileNetV3Small", 0)
        self.assertLess(entry["difference"], 1e-5)
        self.assertLess(entry["macs"][1], 0.5 * entry["macs"][0])
        table = strip_tables.coverage({"models": {"a": entry}})
        self.assertIn("| MobileNetV3Small | 32 | 42 |", table)

    def test_gating(self):
        entry = gating_coverage.measure("MobileNetV3Small", True)
        self.assertTrue(entry["equal"])
        self.assertGreater(entry["gated"], entry["vectors"])
        table = strip_tables.gating({"models": {"a, streams": entry}})
        self.assertRegex(table, r"a, streams \| 43 \| 36 \| 30 \|.*equal")

    def test_fuzz(self):
        outcomes = [strip_fuzz.check(number, 4)[0] for number in range(4)]
        self.assertTrue(
            set(outcomes) <= {"smaller", "same size", "refused"}, outcomes
        )

    def test_fuzz_notices_a_difference(self):
        original = strip_fuzz.outputs

        def different(model, x):
            values = original(model, x)
            return values if self.calls.pop() else [v + 0.01 for v in values]

        self.calls = [True, False] * 4
        with mock.patch.object(strip_fuzz, "outputs", different):
            outcomes = [strip_fuzz.check(number, 4)[0] for number in (0, 2)]
        self.assertIn("mismatch", outcomes)

    def test_fuzz_table(self):
        record = {"outcomes": {"smaller": 5, "refused": 1}, "worst": 0.25}
        self.assertIn(
            "| 6 | 5 | 0 | 1 | 0 | 0 | 0.25 |", strip_tables.fuzz(record)
        )

    def test_cost(self):
        entry = strip_cost.measure("chain", strip_cost.chain(2))
        self.assertEqual(entry["layers"], 11)
        self.assertGreater(entry["seconds"], 0)

    def test_latency(self):
        networks = {"small": (small, (8,))}
        with mock.patch.dict(strip_latency.NETWORKS, networks):
            entry = strip_latency.measure("small", 0.5, 1, runs=2)
        self.assertGreater(entry["LiteRT"]["to hand"], 0)
        table = strip_tables.latency({"networks": [entry]})
        self.assertIn("| small | 1 | SavedModel |", table)


if __name__ == "__main__":
    absltest.main()
