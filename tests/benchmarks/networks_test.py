"""Tests where the gates of the two networks sit."""

from absl.testing import absltest
from absl.testing import parameterized

import keras_l0
from benchmarks import networks
from tests import test_util


def _gates(model):
    return [
        (layer.layer.name, layer.on, layer.gate_vector.num_gates)
        for layer in keras_l0.layers.gate_layers(model)
    ]


class NetworksTest(test_util.TestCase):
    def test_lenet_300_100_gates_all_inputs(self):
        self.assertEqual(
            _gates(networks.lenet_300_100()),
            [
                ("fc1", "inputs", 784),
                ("fc2", "inputs", 300),
                ("fc3", "inputs", 100),
            ],
        )

    def test_lenet5_gates_as_published(self):
        self.assertEqual(
            _gates(networks.lenet5()),
            [
                ("conv1", "outputs", 20),
                ("conv2", "outputs", 50),
                ("fc1", "inputs", 800),
                ("fc2", "inputs", 500),
            ],
        )

    @parameterized.named_parameters(
        ("lenet_300_100", networks.lenet_300_100, 3, 266_610),
        ("lenet5", networks.lenet5, 4, 431_080),
    )
    def test_dense_network_has_published_size(self, build, layers, size):
        model = build((None,) * layers)
        self.assertFalse(keras_l0.layers.has_gates(model))
        self.assertEqual(model.count_params(), size)

    def test_draws_per_example(self):
        model = networks.lenet5(per_example=True)
        shapes = [g.noise_shape for g in keras_l0.layers.gate_layers(model)]
        self.assertEqual(
            shapes,
            [(None, 1, 1, 20), (None, 1, 1, 50), (None, 800), (None, 500)],
        )

    def test_clamp_reaches_every_gate(self):
        model = networks.lenet_300_100(clamp=2.5)
        gates = [
            layer.gate_vector.gate
            for layer in keras_l0.layers.gate_layers(model)
        ]
        self.assertEqual([gate.clamp for gate in gates], [2.5] * 3)


if __name__ == "__main__":
    absltest.main()
