"""Tests of what the examples do before and after the training."""

import contextlib
import dataclasses
import io
import os
import sys
from unittest import mock

import keras
import numpy as np
from absl.testing import absltest

import keras_l0
from examples import options
from examples import reporting
from examples import training
from tests import test_util
from tests.examples import example_run

OPTIONS = options.Options(
    l0=(0.1,), epochs=1, fine_tune_epochs=1, gate_learning_rate=0.1
)


class PrepareTest(test_util.TestCase):
    """What can go wrong goes wrong before anything is trained or written."""

    def setUp(self):
        super().setUp()
        self.folder = self.create_tempdir().full_path
        self.enter_context(
            mock.patch.dict(os.environ, {"KERAS_L0_DATA": self.folder})
        )

    def assert_stops(self, words, **changes):
        chosen = dataclasses.replace(OPTIONS, **changes)
        with self.assertRaisesRegex(SystemExit, words):
            training.run(self.fail, 28, chosen)

    def test_output_folder_that_is_a_file(self):
        path = os.path.join(self.folder, "out")
        with open(path, "w") as file:
            file.write("mine")
        self.assert_stops("Error: .*out", dataset="digits", output_dir=path)
        with open(path) as file:
            self.assertEqual(file.read(), "mine")

    def test_dataset_that_is_damaged(self):
        example_run.write_dataset(self.folder)
        path = os.path.join(self.folder, "mnist.npz")
        with open(path, "r+b") as file:
            file.truncate(os.path.getsize(path) // 2)
        out = os.path.join(self.folder, "out")
        self.assert_stops(
            "Error: The dataset file '.*mnist.npz' cannot be read",
            dataset="mnist",
            output_dir=out,
        )
        self.assertFalse(os.path.exists(out))

    def test_scikit_learn_missing(self):
        with mock.patch.dict(sys.modules, {"sklearn": None}):
            self.assert_stops(
                r"Error: .*pip install keras_l0\[examples\]",
                output_dir=os.path.join(self.folder, "out"),
            )


class OptimizerTest(test_util.TestCase):
    def test_gates_have_a_learning_rate_of_their_own(self):
        model = _gated()
        optimizer = training._optimizer(model, 2, _data(10), OPTIONS)
        before = [v.numpy() for v in model.trainable_variables]
        ones = [np.ones_like(value) for value in before]
        optimizer.apply(ones, model.trainable_variables)
        # Adam's first step along a constant gradient is its learning rate.
        for variable, value in zip(
            model.trainable_variables, before, strict=True
        ):
            rate = 0.1 if variable.name == "logits" else 1e-3
            self.assertAllClose(value - variable.numpy(), rate + 0 * value)

    def test_rate_of_the_weights_falls_to_zero_at_the_end(self):
        # 10 images in batches of 64: one step for each of 8 epochs.
        optimizer = training._optimizer(_dense(), 8, _data(10), OPTIONS)
        self.assertAllClose(optimizer.learning_rate, 1e-3)
        optimizer.iterations.assign(4)
        self.assertAllClose(optimizer.learning_rate, 0.5e-3)
        optimizer.iterations.assign(8)
        self.assertAllClose(optimizer.learning_rate, 0.0)


class ReportingTest(test_util.TestCase):
    def test_units_left_are_those_of_the_stripped_kernels(self):
        model = _gated()
        gate = model.layers[-1]
        gate.gate_vector.logits.assign([3.0, -3.0, 3.0, 0.0])
        small = keras_l0.strip_gates(model)
        self.assertEqual(reporting.units_left(model, small), {gate.name: 3})

    def test_accuracy_is_the_share_of_right_answers_in_all_batches(self):
        x = np.eye(10, dtype="float32")[np.arange(1203) % 10]
        y = np.arange(1203) % 10
        y[:3] += 1
        self.assertEqual(
            reporting._accuracy(lambda images: images, x, y), 1200 / 1203
        )

    def test_without_matplotlib_it_says_so(self):
        row = {"params": 2, "litert_bytes": 9}
        report = {
            "comparison": {
                "models": dict.fromkeys(
                    ("dense", "stripped", "stripped int8"), row
                )
            },
            "test_accuracy": dict.fromkeys(
                ("dense", "model.tflite", "model_int8.tflite"), 0.5
            ),
            "units_before": {"fc": 2},
            "units_after": {"fc": 1},
            "open_gates": {"fc": [2, 1]},
        }
        output = io.StringIO()
        with mock.patch.dict(
            sys.modules, {"matplotlib.backends.backend_agg": None}
        ):
            with contextlib.redirect_stdout(output):
                reporting.draw(report, self.create_tempdir().full_path)
        self.assertIn("No pictures: ", output.getvalue())
        self.assertIn("keras_l0[plots]", output.getvalue())


def _dense():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])


def _gated():
    gate = keras_l0.L0Gate(keras.layers.Dense(2), on="inputs")
    return keras.Sequential([keras.Input((4,)), gate])


def _data(rows):
    return mock.Mock(x_train=np.zeros((rows, 4)))


if __name__ == "__main__":
    absltest.main()
