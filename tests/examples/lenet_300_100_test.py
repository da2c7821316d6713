"""Tests of LeNet-300-100: the network, and the whole way on a few images."""

import os

from absl import app
from absl import flags
from absl.testing import absltest

import keras_l0
from examples import lenet_300_100
from tests import test_util
from tests.examples import example_run


class BuildTest(test_util.TestCase):
    def test_dense_network_has_the_published_size(self):
        model = lenet_300_100.build()
        self.assertEqual(model.count_params(), 266_610)
        self.assertEqual(model.output_shape, (None, 10))
        self.assertFalse(keras_l0.layers.has_gates(model))

    def test_gates_on_inputs_are_the_published_ones(self):
        model = lenet_300_100.build(l0=(1.0, 2.0, 3.0))
        gates = {
            layer.name: (
                layer.gate_vector.num_gates,
                float(layer.l0),
                layer.gate_vector.gate.drop_rate,
            )
            for layer in keras_l0.layers.gate_layers(model)
        }
        self.assertEqual(
            gates,
            {
                "fc1_inputs": (784, 1.0, 0.2),
                "fc2_inputs": (300, 2.0, 0.5),
                "fc3_inputs": (100, 3.0, 0.5),
            },
        )

    def test_gates_on_outputs_leave_the_logits_alone(self):
        model = lenet_300_100.build(l0=(1.0, 2.0, 3.0), gate_on="outputs")
        gates = {
            layer.name: (
                layer.gate_vector.num_gates,
                float(layer.l0),
                layer.gate_vector.gate.drop_rate,
            )
            for layer in keras_l0.layers.gate_layers(model)
        }
        self.assertEqual(
            gates,
            {"fc1_outputs": (300, 1.0, 0.5), "fc2_outputs": (100, 2.0, 0.5)},
        )


class MainTest(test_util.TestCase):
    def test_everything_is_written(self):
        folder = self.create_tempdir().full_path
        report, _ = example_run.run(
            lenet_300_100.main,
            lenet_300_100.define_flags,
            folder,
            "--quick",
            "--gate_on=outputs",
            "--l0=0.5",
            "--batch_size=16",
        )
        out = os.path.join(folder, "out")
        self.assertEqual(sorted(os.listdir(out)), example_run.FILES)
        self.assertEqual(report["network"], "lenet_300_100")
        self.assertEqual(report["options"]["l0"], [0.5] * 3)
        self.assertEqual(
            list(report["open_gates"]), ["fc1_outputs", "fc2_outputs"]
        )
        for name, counts in report["open_gates"].items():
            self.assertLen(counts, 3)
            self.assertLessEqual(report["units_after"][name], counts[-1])
        self.assertEqual(
            report["test_accuracy"]["stripped"],
            report["test_accuracy"]["gated"],
        )

    def test_words_on_the_command_line(self):
        with self.assertRaisesRegex(app.UsageError, r"Received: \['mnist'\]"):
            lenet_300_100.main(["lenet", "mnist"], flags.FlagValues())


if __name__ == "__main__":
    absltest.main()
