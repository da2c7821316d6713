"""Tests which units magnitude pruning leaves."""

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from benchmarks import budget_networks
from benchmarks import unit_magnitude
from tests import test_util

_LARGE = (1, 4, 6)


def _network():
    """Of 8 hidden units three have large weights."""
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(2),
        ]
    )
    kernel = np.random.default_rng(0).normal(size=(5, 8))
    kernel[:, _LARGE] *= 10
    model.layers[0].kernel.assign(kernel)
    return model


class UnitMagnitudeTest(test_util.TestCase):
    def test_large_units_stay_as_they_are(self):
        dense = _network()
        # Three units: 3 * (5 + 2) of 8 * (5 + 2) products.
        small = unit_magnitude.prune_units(dense, 0.4)
        self.assertAllClose(
            small.layers[1].kernel.numpy(),
            dense.layers[0].kernel.numpy()[:, _LARGE],
            rtol=1e-6,
        )

    def test_limit_is_used_up(self):
        for macs, units in ((0.38, 3), (0.37, 2), (0.13, 1), (1.0, 8)):
            small = unit_magnitude.prune_units(_network(), macs)
            self.assertEqual(small.layers[1].units, units, macs)

    def test_limit_below_one_unit_per_layer(self):
        with self.assertRaisesRegex(ValueError, "One unit.*macs=0.1"):
            unit_magnitude.prune_units(_network(), 0.1)

    def test_residual_streams_become_narrow(self):
        dense = budget_networks.residual((8, 8, 3))
        small = unit_magnitude.prune_units(dense, 0.3)
        full = keras_l0.cost.count(dense).macs
        self.assertBetween(
            keras_l0.cost.count(small).macs, 0.2 * full, 0.3 * full
        )


if __name__ == "__main__":
    absltest.main()
