"""Tests of the compression of a keyword spotter."""

import dataclasses
import os

from absl.testing import absltest

import keras_l0
from examples import keyword_spotting
from examples import keywords
from tests import test_util
from tests.examples import outcome


class BuildTest(test_util.TestCase):
    def test_gates_stand_behind_the_depthwise_convolutions(self):
        model = keyword_spotting.build((30, 20, 1), 10, width=8, blocks=2)
        sites = keras_l0.gating.find_gate_sites(model)
        order = [layer.name for layer in model.layers]
        depthwise = [n for n in order if n.startswith("depthwise")]
        self.assertEqual(
            [(s.path, s.units) for s in sites if not s.reason],
            [("stem", 8), ("pointwise_1", 8), ("pointwise_2", 8)],
        )
        for site, name in zip(sites, depthwise, strict=False):
            self.assertGreater(order.index(site.behind), order.index(name))


class RunTest(test_util.TestCase):
    def test_compressed_network_is_smaller_and_as_good(self):
        folder = self.create_tempdir().full_path
        data = keywords.load(600)
        settings = dataclasses.replace(
            keyword_spotting.DEFAULTS,
            output_dir=folder,
            epochs=10,
            gate_epochs=12,
            batch_size=16,
            learning_rate=2e-2,
            macs=0.5,
            width=24,
            blocks=2,
        )
        report, printed = outcome.run(keyword_spotting, settings, data)
        self.assertEqual(sorted(os.listdir(folder)), outcome.FILES)
        outcome.check(self, report, data.x_test, 1 / 10, macs=0.5)
        models = report["comparison"]["models"]
        self.assertLess(
            models["stripped int8"]["litert_bytes"],
            models["stripped"]["litert_bytes"],
        )
        self.assertIn("LiteRT int8", printed)


if __name__ == "__main__":
    absltest.main()
