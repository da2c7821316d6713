"""Tests the counts against the networks' own kernels and published numbers."""

import numpy as np
from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from benchmarks import counting
from benchmarks import networks
from benchmarks.recipes import PUBLISHED
from tests import test_util


def _kernel_sizes(model):
    return [
        w.value.shape for w in model.trainable_weights if w.name == "kernel"
    ]


class CountingTest(test_util.TestCase):
    @parameterized.named_parameters(
        *[("_".join(key), key[0], *row[:2]) for key, row in PUBLISHED.items()]
    )
    def test_percent_left_of_published_architecture(
        self, network, architecture, percent
    ):
        self.assertAlmostEqual(
            counting.percent_left(network, architecture), percent, delta=0.01
        )

    @parameterized.named_parameters(
        ("lenet_300_100", "lenet_300_100", (784, 300, 100)),
        ("lenet5", "lenet5", (20, 50, 800, 500)),
    )
    def test_dense_network_is_all_of_its_kernels(self, network, units):
        model = getattr(networks, network)()
        sizes = [np.prod(shape) for shape in _kernel_sizes(model)]
        self.assertAlmostEqual(counting.percent_left(network, units), 100)
        self.assertEqual(sum(sizes), counting.FULL[network])

    def test_units_are_those_with_a_gate_above_zero(self):
        model = networks.lenet_300_100()
        for layer, kept in zip(
            keras_l0.layers.gate_layers(model), (5, 6, 7), strict=True
        ):
            logits = np.full(layer.gate_vector.num_gates, -4.0)
            logits[:kept] = -2.0  # a gate of 0.04
            layer.gate_vector.logits.assign(logits)
        self.assertEqual(counting.kept_units(model), [5, 6, 7])

    def test_gated_weights_are_counted_one_by_one(self):
        model = networks.lenet_300_100(
            on=("weights",) * 3, gate="straight_through"
        )
        for layer, kept in zip(
            keras_l0.layers.gate_layers(model), (500, 50, 5), strict=True
        ):
            logits = np.full(layer.gate_vector.num_gates, -1.0)
            logits[:kept] = 1.0
            layer.gate_vector.logits.assign(logits)
        self.assertTrue(counting.gates_weights(model))
        self.assertAlmostEqual(
            counting.model_percent_left("lenet_300_100", model),
            100 * 555 / 266_200,
        )

    def test_gated_units_are_counted_as_units(self):
        model = networks.lenet5()
        self.assertFalse(counting.gates_weights(model))
        self.assertAlmostEqual(
            counting.model_percent_left("lenet5", model), 100
        )

    def test_expected_units_follow_the_closed_form(self):
        model = networks.lenet_300_100()
        for layer in keras_l0.layers.gate_layers(model):
            layer.gate_vector.logits.assign(
                np.zeros(layer.gate_vector.num_gates)
            )
        prob_nonzero = 1 / (1 + 11 ** (-2 / 3))  # sigmoid(2/3 log 11)
        expected = np.array([784, 300, 100]) * prob_nonzero
        self.assertAllClose(counting.expected_units(model), expected, rtol=1e-5)


if __name__ == "__main__":
    absltest.main()
