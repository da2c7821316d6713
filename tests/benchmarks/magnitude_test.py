"""Tests which weights magnitude pruning keeps."""

import numpy as np
from absl.testing import absltest

import keras_l0
from benchmarks import counting
from benchmarks import magnitude
from benchmarks import networks
from tests import test_util

_SIZE = 266_200


def _model():
    model = networks.lenet_300_100(on=("weights",) * 3, gate="straight_through")
    generator = np.random.default_rng(0)
    for layer in keras_l0.layers.gate_layers(model):
        kernel = generator.normal(size=layer.layer.kernel.shape)
        layer.layer.kernel.assign(kernel)
    return model


def _kept(model):
    return np.concatenate(counting.deterministic_gates(model)) > 0


class MagnitudeTest(test_util.TestCase):
    def test_largest_of_all_layers_stay(self):
        model = _model()
        kernels = [
            np.ravel(layer.layer.kernel)
            for layer in keras_l0.layers.gate_layers(model)
        ]
        sizes = np.abs(np.concatenate(kernels))
        magnitude.prune(model, "lenet_300_100", 1.0)
        expected = np.zeros(_SIZE, bool)
        expected[np.argsort(-sizes)[:2662]] = True
        self.assertAllEqual(_kept(model), expected)

    def test_pruned_weight_stays_pruned(self):
        model = _model()
        magnitude.prune(model, "lenet_300_100", 10.0)
        before = _kept(model)
        for layer in keras_l0.layers.gate_layers(model):
            kernel = layer.layer.kernel
            kernel.assign(np.sign(kernel) / (np.abs(kernel) + 1e-3))
        magnitude.prune(model, "lenet_300_100", 5.0)
        after = _kept(model)
        self.assertEqual(after.sum(), 13_310)
        self.assertFalse(np.any(after & ~before))

    def test_what_is_gone_cannot_stay(self):
        model = _model()
        magnitude.prune(model, "lenet_300_100", 1.0)
        with self.assertRaisesRegex(ValueError, r"2662\. Received.*=2\.0"):
            magnitude.prune(model, "lenet_300_100", 2.0)


if __name__ == "__main__":
    absltest.main()
