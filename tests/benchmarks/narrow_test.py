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


def _build(build, gate, on, widths=None):
    """A network of a family, gated as published or in every weight."""
    arguments = {} if widths is None else {"widths": widths}
    if on is not None:
        arguments["on"] = (on,) * (3 if build is networks.lenet_300_100 else 4)
    return build(gate=gate, **arguments)


def _close_units(model):
    """Closes all that three units of each hidden layer are read by."""
    for layer in keras_l0.layers.gate_layers(model)[1:]:
        shape = layer.layer.kernel.shape
        logits = layer.gate_vector.logits.numpy().reshape(shape)
        if shape[-2] == 800:  # the pixels of three maps
            logits.reshape(16, 50, 500)[:, :3] = -1
        else:
            logits[..., :3, :] = -1
        layer.gate_vector.logits.assign(logits.ravel())


def _randomize(model, seed=0, scale=3.0):
    """Random logits, about half of them closed, and random biases."""
    generator = np.random.default_rng(seed)
    for layer in keras_l0.layers.gate_layers(model):
        size = layer.gate_vector.num_gates
        layer.gate_vector.logits.assign(
            generator.normal(-0.8 * scale, scale, size)
        )
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

    @parameterized.named_parameters(
        ("arm", "arm", {}),
        ("diff_prune", "diff_prune", {"transform": "clip", "scale": 1.0}),
        ("straight_through", "straight_through", {}),
        ("weights", "straight_through", {"on": "weights"}),
        ("dependent", "dependent", {}),
    )
    def test_outputs_of_a_family_are_unchanged(self, family, options):
        on = options.pop("on", None)
        gate = type(keras_l0.gates.get(family))(**options)
        for network, build in _BUILD.items():
            model = _build(build, gate, on)
            generator = _randomize(model, scale=0.3 if on else 3.0)
            if on:
                _close_units(model)
            x = generator.random((4, *networks.IMAGE_SHAPE), "float32")
            copy = narrow(
                model, lambda widths, b=build: _build(b, gate, on, widths)
            )
            self.assertLess(copy.count_params(), model.count_params(), network)
            self.assertAllClose(copy(x), model(x), rtol=1e-4, atol=1e-4)

    def test_chain_goes_on_as_before(self):
        """Gates that stay get the logits that they had from the whole chain."""
        model = networks.lenet5(gate="dependent")
        _randomize(model)
        copy = narrow(
            model, lambda w: networks.lenet5(gate="dependent", widths=w)
        )
        old = counting.deterministic_gates(model)
        new = counting.deterministic_gates(copy)
        self.assertAllClose(new[0], old[0][old[0] > 0], rtol=1e-4)
        self.assertAllClose(new[3], old[3][old[3] > 0], rtol=1e-4)

    def test_weights_that_nothing_reads_are_refused(self):
        model = _build(networks.lenet5, "straight_through", "weights")
        vector = keras_l0.layers.gate_layers(model)[2].gate_vector
        vector.logits.assign(np.full(vector.num_gates, -1.0))
        with self.assertRaisesRegex(RuntimeError, r"read.*\[0, 0, 500\]"):
            narrow(model, lambda widths: None)

    def test_layer_without_open_gate_is_refused(self):
        model = networks.lenet_300_100()
        vector = keras_l0.layers.gate_layers(model)[1].gate_vector
        vector.logits.assign(np.full(300, -4.0))
        with self.assertRaisesRegex(RuntimeError, r"closed.*\[784, 0, 100\]"):
            narrow(model, lambda widths: networks.lenet_300_100(widths=widths))


if __name__ == "__main__":
    absltest.main()
