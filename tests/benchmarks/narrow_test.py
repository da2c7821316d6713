"""Tests that the narrower copy computes what the wide network computes."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from benchmarks import counting
from benchmarks import networks
from benchmarks.narrow import narrow
from tests import test_util

_BUILD = {"lenet_300_100": networks.lenet_300_100, "lenet5": networks.lenet5}


def _randomize(model, seed=0):
    """Random logits, about half of them closed, and random biases."""
    generator = np.random.default_rng(seed)
    for layer in keras_l0.layers.gate_layers(model):
        size = layer.gate_vector.num_gates
        layer.gate_vector.logits.assign(generator.normal(-2.4, 3, size))
        kernel, bias = layer.layer.get_weights()
        layer.layer.set_weights([kernel, generator.normal(0, 0.1, bias.shape)])
    return generator


class NarrowTest(test_util.TestCase):
    @parameterized.named_parameters(*[(name, name) for name in _BUILD])
    def test_outputs_are_unchanged(self, network):
        build = _BUILD[network]
        model = build()
        generator = _randomize(model)
        x = generator.random((4, *networks.IMAGE_SHAPE), "float32")
        copy = narrow(model, lambda widths: build(widths=widths))
        self.assertLess(copy.count_params(), 0.6 * model.count_params())
        self.assertAllClose(copy(x), model(x), rtol=1e-4, atol=1e-4)

    @parameterized.named_parameters(*[(name, name) for name in _BUILD])
    def test_open_gates_keep_their_logits(self, network):
        build = _BUILD[network]
        model = build()
        _randomize(model)
        copy = narrow(model, lambda widths: build(widths=widths))
        old = counting.deterministic_gates(model)
        new = counting.deterministic_gates(copy)
        # The sigmoid of a packed and of a lone value may differ by some ulps.
        self.assertAllClose(new[-1], old[-1][old[-1] > 0], rtol=1e-5)

    def test_layer_without_open_gate_is_refused(self):
        model = networks.lenet_300_100()
        vector = keras_l0.layers.gate_layers(model)[1].gate_vector
        vector.logits.assign(np.full(300, -4.0))
        with self.assertRaisesRegex(RuntimeError, r"closed.*\[784, 0, 100\]"):
            narrow(model, lambda widths: networks.lenet_300_100(widths=widths))


if __name__ == "__main__":
    absltest.main()
