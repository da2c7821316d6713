"""Tests of the compression of a Transformer."""

import dataclasses
import os
import re

import keras
from absl.testing import absltest

import keras_l0
from examples import datasets
from examples import transformer
from tests import test_util
from tests.examples import outcome
from tests.examples import small_images


class BuildTest(test_util.TestCase):
    def test_heads_and_hidden_units_can_be_gated(self):
        model = transformer.build((8, 8), 10, layers=2, width=16, heads=4)
        sites = keras_l0.gating.find_gate_sites(model)
        self.assertEqual(
            [(s.path, s.on, s.units) for s in sites if not s.reason],
            [
                ("attention_1", "heads", 4),
                ("hidden_1", "outputs", 32),
                ("attention_2", "heads", 4),
                ("hidden_2", "outputs", 32),
            ],
        )

    def test_a_token_is_known_by_its_place(self):
        keras.utils.set_random_seed(0)
        model = transformer.build((8, 8), 3, layers=1, width=8, heads=2)
        bias = model.get_layer("embedding").bias
        bias.assign(keras.random.normal(bias.shape))
        x = keras.random.normal((1, 8, 8))
        self.assertNotAllClose(model(x), model(x[:, ::-1]))
        bias.assign(0 * bias)
        # Without it the network cannot tell: it averages over the tokens.
        self.assertAllClose(model(x), model(x[:, ::-1]), atol=1e-5)


class RunTest(test_util.TestCase):
    def test_compressed_network_is_smaller_and_as_good(self):
        folder = self.create_tempdir().full_path
        data = small_images.stripes()
        settings = dataclasses.replace(
            transformer.DEFAULTS,
            output_dir=folder,
            epochs=8,
            gate_epochs=12,
            batch_size=16,
            learning_rate=1e-2,
            macs=0.5,
            width=16,
            layers=1,
        )
        report, printed = outcome.run(transformer, settings, data)
        self.assertEqual(sorted(os.listdir(folder)), outcome.FILES)
        x = datasets.as_rows(data).x_test
        outcome.check(self, report, x, 1 / 4, macs=0.5)
        self._check_heads(folder, printed)

    def _check_heads(self, folder, printed):
        small = keras.saving.load_model(os.path.join(folder, "stripped.keras"))
        kept = [
            layer.num_heads
            for layer in small.layers
            if isinstance(layer, keras.layers.MultiHeadAttention)
        ]
        told = re.findall(r"attention_\d: (\d) of 4 heads left", printed)
        self.assertLen(told, 1)
        self.assertEqual(kept, [int(n) for n in told if int(n)])


if __name__ == "__main__":
    absltest.main()
