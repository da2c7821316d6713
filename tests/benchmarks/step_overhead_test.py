"""Tests the cases of the overhead, their processes and what is recorded."""

import ast
import json
import os
import subprocess
import sys
from unittest import mock

from absl.testing import absltest
from absl.testing import flagsaver
from absl.testing import parameterized

import keras_l0
from benchmarks import overhead_child
from benchmarks import step_overhead
from tests import test_util

Configuration = overhead_child.Configuration


class OverheadChildTest(test_util.TestCase):
    @parameterized.parameters(*step_overhead.FAMILIES)
    def test_every_family_is_gated(self, family):
        model = overhead_child.build(Configuration("lenet_300_100", family))
        vectors = keras_l0.layers.gate_vectors(model).values()
        self.assertEqual([v.num_gates for v in vectors], [300, 100])
        self.assertEqual(
            all(
                isinstance(v.gate, keras_l0.gates.ARM)
                and v.gate.estimator == "ar"
                for v in vectors
            ),
            family == "ar",
        )

    def test_every_weight_is_gated(self):
        asked = Configuration("lenet_300_100", "diff_prune", "weights")
        vectors = keras_l0.layers.gate_vectors(overhead_child.build(asked))
        self.assertEqual(
            [v.num_gates for v in vectors.values()], [235200, 30000, 1000]
        )

    def test_dense_has_no_gates(self):
        for on in ("units", "weights"):
            asked = Configuration("lenet_300_100", "dense", on)
            model = overhead_child.build(asked)
            self.assertFalse(keras_l0.layers.has_gates(model))

    def test_time_and_memory(self):
        small = {"batch_size": 2, "pairs": 2}
        asked = Configuration("lenet_300_100", "diff_prune", **small)
        self.assertGreater(overhead_child.run(asked)["ratio"], 0)
        asked = Configuration(
            "lenet_300_100", "dense", measure="memory", **small
        )
        found = overhead_child.run(asked)
        self.assertGreater(found["peak_mib"], found["training_mib"])


class StepOverheadTest(parameterized.TestCase):
    def setUp(self):
        super().setUp()
        step_overhead._process.cache_clear()
        self.path = os.path.join(self.create_tempdir().full_path, "o.json")

    def test_weights_are_gated_in_the_mlp_alone(self):
        names = ["lenet_300_100", "lenet5"]
        found = list(step_overhead.cases(names, ["arm"], [False], False))
        self.assertEqual(
            [(case["network"], case["on"]) for case in found],
            [
                ("lenet_300_100", "units"),
                ("lenet_300_100", "weights"),
                ("lenet5", "units"),
            ],
        )

    @parameterized.parameters(
        ("lenet_300_100", "arm", "units", 1.25),
        ("lenet_300_100", "arm", "weights", 1.8),
        ("residual", "arm", "units", 1.05),
        ("transformer", "arm", "units", None),
        ("lenet5", step_overhead.TFMOT, "weights", None),
    )
    def test_wanted(self, network, family, on, expected):
        case = step_overhead._case(network, family, on, False)
        self.assertEqual(step_overhead.wanted(case), expected)

    def _main(self, process, **flags):
        """Runs `main` with another function in place of the processes."""
        defaults = {
            "overhead_network": ["lenet5"],
            "overhead_family": ["arm", "diff_prune"],
            "overhead_jit": ["false"],
            "overhead_path": self.path,
            "threads": 0,
        }
        command = [
            "/there/benchmarks/step_overhead.py",
            "--tfmot_python=/here/bin/python",
        ]
        with (
            flagsaver.flagsaver(**{**defaults, **flags}),
            mock.patch.object(subprocess, "run", process),
            mock.patch.object(sys, "argv", command),
        ):
            step_overhead.main([])
        with open(self.path) as file:
            return json.load(file)

    def test_main_compares_memory_and_keeps_what_is_done(self):
        asked = []

        def process(command, **kwargs):
            asked.append((command[0], json.loads(command[-1])))
            gated = asked[-1][1]["family"] != "dense"
            if asked[-1][1]["measure"] == "time":
                found = {"ratio": 1.5}
            else:
                found = {
                    "peak_mib": 300 if gated else 200,
                    "training_mib": 150 if gated else 50,
                }
            return mock.Mock(stdout=f"noise\n{json.dumps(found)}\n")

        record = self._main(process, tfmot_python="/here/bin/python")
        self.assertLen(record["cases"], 3)
        for case in record["cases"]:
            self.assertEqual(case["ratio"], 1.5)
            self.assertEqual(case["memory"], {"peak": 1.5, "training": 3.0})
        # A dense process serves both families, another one the other package.
        dense = [python for python, c in asked if c["family"] == "dense"]
        self.assertEqual(dense, [sys.executable, "/here/bin/python"])
        with open(self.path) as file:
            self.assertNotIn("/here", file.read())
        asked.clear()
        self._main(process, tfmot_python="/here/bin/python")
        self.assertEmpty(asked)

    def test_process_that_fails_is_recorded(self):
        def process(command, **kwargs):
            raise subprocess.CalledProcessError(
                1, command, stderr="Traceback\nValueError: no such gates\n"
            )

        record = self._main(process, overhead_family=["arm"])
        self.assertEqual(
            record["cases"][0]["error"], "ValueError: no such gates"
        )
        self.assertNotIn("ratio", record["cases"][0])

    def test_other_package_is_measured_without_ours(self):
        with open("benchmarks/tfmot_step.py") as file:
            tree = ast.parse(file.read())
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                modules.add(node.module.split(".")[0])
        self.assertEqual(
            modules - {"json", "os", "sys", "time", "numpy", "tensorflow"},
            {"tf_keras", "tensorflow_model_optimization"},
        )


if __name__ == "__main__":
    absltest.main()
