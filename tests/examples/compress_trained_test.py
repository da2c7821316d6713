"""Tests of the compression of a trained residual network."""

import dataclasses
import os

from absl.testing import absltest

import keras_l0
from examples import compress_trained
from tests import test_util
from tests.examples import outcome
from tests.examples import small_images


class BuildTest(test_util.TestCase):
    def test_network_has_three_stages_of_two_blocks(self):
        model = compress_trained.build((8, 8, 1), 10)
        sites = keras_l0.gating.find_gate_sites(model, streams=True)
        streams = {site.stream for site in sites if site.stream}
        self.assertLen(streams, 3)
        inside = [s.units for s in sites if not s.stream and not s.reason]
        self.assertEqual(inside, [16, 16, 32, 32, 64, 64])
        self.assertEqual(model.output_shape, (None, 10))

    def test_images_of_any_size(self):
        model = compress_trained.build((32, 32, 3), 7, width=2, blocks=1)
        self.assertEqual(model.output_shape, (None, 7))


class RunTest(test_util.TestCase):
    def test_compressed_network_is_smaller_and_as_good(self):
        folder = self.create_tempdir().full_path
        data = small_images.stripes()
        settings = dataclasses.replace(
            compress_trained.DEFAULTS,
            output_dir=folder,
            epochs=8,
            gate_epochs=12,
            fine_tune_epochs=1,
            batch_size=32,
            learning_rate=1e-2,
            macs=0.5,
            width=6,
            stages=2,
            blocks=1,
        )
        report, printed = outcome.run(compress_trained, settings, data)
        self.assertEqual(sorted(os.listdir(folder)), outcome.FILES)
        outcome.check(
            self, report, data.x_test, 1 / 4, macs=0.5, stripped="fine-tuned"
        )
        for words in ("== Fine-tune", "fine-tuned  ", "as int8  ", "left  "):
            self.assertIn(words, printed)


if __name__ == "__main__":
    absltest.main()
